{{/* The loggers' settings that differ from pod to pod. Kubernetes puts a variable in place of $(NAME) where it stands above. */}}
{{- define "distributed-logger.loggerEnv" -}}
- name: DLOG_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: DLOG_POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: DLOG_POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: DLOG_ID
  value: $(DLOG_POD_NAME)
- name: DLOG_PEER_ADDRESS
  value: $(DLOG_POD_NAME).{{ include "distributed-logger.peerDomain" . }}:9090
{{- with include "distributed-logger.apiUrl" . }}
- name: DLOG_API_URL
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Nothing where the logger makes it of its pod's address, which may be of IPv4 or of IPv6. */}}
{{- define "distributed-logger.apiUrl" -}}
{{- if .Values.logger.apiUrl -}}
{{- .Values.logger.apiUrl -}}
{{- else if .Values.api.tls.secretName -}}
https://$(DLOG_POD_NAME).{{ include "distributed-logger.fullname" . }}-headless.$(DLOG_POD_NAMESPACE).svc:8080
{{- end -}}
{{- end -}}

{{/* The Secrets that the loggers have, as volumes; each volume is mounted under its own name. */}}
{{- define "distributed-logger.loggerSecrets" -}}
{{- with .Values.api.tls.secretName }}
{{ include "distributed-logger.secretVolume" (list "api-tls" . (list "tls.crt" "tls.key")) }}
{{- end }}
{{- with .Values.api.tokens.secretName }}
{{ include "distributed-logger.secretVolume" (list "api-tokens" . list) }}
{{- end }}
{{- with .Values.peers.tls.secretName }}
{{ include "distributed-logger.secretVolume" (list "peer-tls" . list) }}
{{- end }}
{{- with include "distributed-logger.consulCa" . | fromJson }}
{{- if .name }}
{{ include "distributed-logger.secretVolume" (list "consul-ca" .name (list .key)) }}
{{- end }}
{{- end }}
{{- with .Values.consul.tokenSecret }}
{{- if .name }}
{{ include "distributed-logger.secretVolume" (list "consul-token" .name (list .key)) }}
{{- end }}
{{- end }}
{{- end -}}
