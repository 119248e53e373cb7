{{/*
The configuration of a Consul server. raft_multiplier 1 is what Consul recommends for production: elections take about
a second instead of five. A server that gets SIGTERM stays a member (leave_on_terminate off), so that pods which are
restarted together come back to the membership they had. What the loggers do not use is off.
Consul takes 0.0.0.0 for all addresses, those of IPv6 too. With TLS, plain HTTP is left for the pod itself alone: for its probe, for `consul` in it, and for a port-forward.
*/}}
{{- define "distributed-logger.consulConfig" -}}
{
  "server": true,
  "bootstrap_expect": {{ .Values.consul.replicas }},
  "data_dir": "/consul/data",
  "client_addr": "0.0.0.0",
  "retry_join": ["{{ include "distributed-logger.fullname" . }}-consul"],
  "retry_interval": "1s",
  "performance": { "raft_multiplier": 1 },
  "leave_on_terminate": false,
  "ui_config": { "enabled": true },
  "connect": { "enabled": false },
  {{- if .Values.consul.tls.secretName }}
  "addresses": { "http": "127.0.0.1" },
  "ports": { "https": 8501, "grpc": -1, "grpc_tls": -1, "serf_wan": -1 },
  "tls": {
    "defaults": {
      "ca_file": "/secrets/tls/ca.crt",
      "cert_file": "/secrets/tls/tls.crt",
      "key_file": "/secrets/tls/tls.key",
      "verify_incoming": true,
      "verify_outgoing": true
    },
    "internal_rpc": { "verify_server_hostname": true },
    "https": { "verify_incoming": false }
  },
  "auto_reload_config": true,
  {{- else }}
  "ports": { "grpc": -1, "grpc_tls": -1, "serf_wan": -1 },
  {{- end }}
  {{- if .Values.consul.acl.managementSecret.name }}
  "acl": { "enabled": true, "default_policy": "deny" },
  {{- end }}
  "disable_update_check": true
}
{{- end -}}

{{/*
Autopilot keeps as many servers as there are pods. One that comes back with another address, as after a drain, is not taken into the
gossip for half a minute; autopilot would remove it after twelve seconds, and the note of that can keep it out for good.
*/}}
{{- define "distributed-logger.consulBootstrap" -}}
{ "autopilot": { "min_quorum": {{ .Values.consul.replicas }} } }
{{- end -}}
