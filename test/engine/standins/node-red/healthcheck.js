// As node-red-docker's: any answer below 500 is good.
const http = require('http');
const settings = require('/data/settings.js');
const request = http.request(
  { host: '127.0.0.1', port: settings.uiPort || 1880, timeout: 4000, path: settings.httpAdminRoot || '/' },
  (response) => process.exit(response.statusCode < 500 ? 0 : 1),
);
request.on('error', () => process.exit(1));
request.end();
