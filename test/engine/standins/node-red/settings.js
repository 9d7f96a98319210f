module.exports = { uiPort: process.env.PORT || 1880 };
