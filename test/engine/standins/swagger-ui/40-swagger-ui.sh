#!/bin/sh
# Rewrites the page's start script and the site from the environment.
set -e
html=/usr/share/nginx/html
site=/etc/nginx/conf.d/default.conf

# Prints the settings whose variable is set: ENVIRONMENT_NAME option type
settings() {
  while read -r variable option type; do
    eval "given=\${$variable+yes} value=\${$variable:-}"
    # shellcheck disable=SC2154
    [ -n "$given" ] || continue
    if [ "$type" = text ]; then value="\"$value\""; fi
    printf '    "%s": %s,\n' "$option" "${value:-undefined}"
  done <<'LIST'
CONFIG_URL configUrl text
SPEC spec value
URLS urls value
URLS_PRIMARY_NAME urls.primaryName text
LAYOUT layout text
DEEP_LINKING deepLinking value
DISPLAY_OPERATION_ID displayOperationId value
DEFAULT_MODELS_EXPAND_DEPTH defaultModelsExpandDepth value
DEFAULT_MODEL_EXPAND_DEPTH defaultModelExpandDepth value
DISPLAY_REQUEST_DURATION displayRequestDuration value
DOC_EXPANSION docExpansion text
FILTER filter text
MAX_DISPLAYED_TAGS maxDisplayedTags value
SHOW_EXTENSIONS showExtensions value
OAUTH2_REDIRECT_URL oauth2RedirectUrl text
PERSIST_AUTHORIZATION persistAuthorization value
SUPPORTED_SUBMIT_METHODS supportedSubmitMethods value
TRY_IT_OUT_ENABLED tryItOutEnabled value
VALIDATOR_URL validatorUrl text
WITH_CREDENTIALS withCredentials value
QUERY_CONFIG_ENABLED queryConfigEnabled value
LIST
}

url=${URL:-${API_URL:-${SWAGGER_JSON_URL:-}}}
if [ -f "$SWAGGER_JSON" ]; then
  cp -s "$SWAGGER_JSON" "$html" 2>/dev/null || true
  url=${url:-./$(basename "$SWAGGER_JSON")}
  root=${SWAGGER_ROOT:-$(dirname "$SWAGGER_JSON")}
  rewrite=
  if [ "$BASE_URL" != / ]; then rewrite="rewrite ^${BASE_URL%/}(/.*)\$ \$1 break; "; fi
  sed -i "s|#SWAGGER_ROOT|${rewrite}root $root/;|" "$site"
fi

cat >"$html/swagger-initializer.js" <<SCRIPT
window.onload = function () {
  window.ui = SwaggerUIBundle({
    "url": "${url:-https://petstore.swagger.io/v2/swagger.json}",
    "dom_id": "#swagger-ui",
    "deepLinking": true,
    "presets": [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    "plugins": [SwaggerUIBundle.plugins.DownloadUrl],
    "layout": "StandaloneLayout",
$(settings)
  });
};
SCRIPT

if [ -n "$PORT_IPV6" ]; then sed -i "s|listen $PORT;|&\n    listen [::]:$PORT_IPV6;|" "$site"; fi
if [ "$CORS" != true ]; then : >/etc/nginx/templates/cors.conf; fi
if [ "$EMBEDDING" != false ]; then : >/etc/nginx/templates/embedding.conf; fi
find "$html" -type f \( -name '*.html' -o -name '*.js' -o -name '*.css' \) -exec gzip -kf {} +
