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
  value: $(DLOG_POD_NAME).{{ include "distributed-logger.fullname" . }}-headless:9090
- name: DLOG_API_URL
  value: {{ .Values.logger.apiUrl | quote }}
{{- with .Values.consul.tokenSecret }}
{{- if .name }}
- name: DLOG_CONSUL_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- with .Values.logger.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
