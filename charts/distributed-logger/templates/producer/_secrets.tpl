{{/* The Secrets of a client of the API, as volumes: the CA of the loggers' certificates, without their key, and a token. */}}
{{- define "distributed-logger.clientSecrets" -}}
{{- with .Values.api.tls.secretName }}
{{ include "distributed-logger.secretVolume" (list "api-ca" . (list "ca.crt")) }}
{{- end }}
{{- with .Values.api.tokens.clientSecret }}
{{- if .name }}
{{ include "distributed-logger.secretVolume" (list "token" .name (list .key)) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* "true" where `helm test` has what it needs: a token, if one is asked for. */}}
{{- define "distributed-logger.testEnabled" -}}
{{- if or (not .Values.api.tokens.secretName) .Values.api.tokens.clientSecret.name -}}true{{- end -}}
{{- end -}}
