{{- define "distributed-logger.producerEnv" -}}
- name: DLOG_TARGET
  value: {{ include "distributed-logger.leaderUrl" . }}
{{- with .Values.api.tls.secretName }}
- name: DLOG_CA_FILE
  value: /secrets/api-ca/ca.crt
{{- end }}
{{- with .Values.api.tokens.clientSecret }}
{{- if .name }}
- name: DLOG_TOKEN_FILE
  value: /secrets/token/{{ .key }}
{{- end }}
{{- end }}
- name: DLOG_CLUSTER
  value: {{ include "distributed-logger.cluster" . | quote }}
{{- /* Not in the exponent form that large and small numbers have in a template. */}}
- name: DLOG_RATE
  value: {{ regexReplaceAll "\\.?0+$" (printf "%.6f" (float64 .Values.producer.rate)) "" | quote }}
- name: DLOG_MESSAGE
  value: {{ .Values.producer.message | quote }}
{{- with .Values.producer.producerId }}
- name: DLOG_PRODUCER_ID
  value: {{ . | quote }}
{{- end }}
- name: DLOG_LOG_LEVEL
  value: {{ .Values.producer.logLevel | quote }}
{{- end -}}

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
