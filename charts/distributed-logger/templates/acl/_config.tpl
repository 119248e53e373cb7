{{/* What a logger may do in Consul, and nothing else. The reasons are in docs/internals/consul.md. */}}
{{- define "distributed-logger.consulPolicy" -}}
{{- $cluster := include "distributed-logger.cluster" . -}}
key_prefix "distributed-logger/{{ $cluster }}/" {
  policy = "write"
}
session_prefix "{{ $cluster }}-" {
  policy = "write"
}
node_prefix "{{ $cluster }}-" {
  policy = "write"
}
service "distributed-logger" {
  policy = "write"
}
{{- end -}}

{{- define "distributed-logger.aclConfig" -}}
consul-acl.mjs: |
  {{- .Files.Get "files/consul-acl.mjs" | nindent 2 }}
policy.hcl: |
  {{- include "distributed-logger.consulPolicy" . | nindent 2 }}
{{- end -}}

{{/* "true" where the chart's own Consul has ACLs. */}}
{{- define "distributed-logger.aclEnabled" -}}
{{- if and .Values.consul.enabled .Values.consul.acl.managementSecret.name -}}true{{- end -}}
{{- end -}}
