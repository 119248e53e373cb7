{{/*
The configuration of a Consul server. raft_multiplier 1 is what Consul recommends for production: elections take about
a second instead of five. A server that gets SIGTERM stays a member (leave_on_terminate off), so that pods which are
restarted together come back to the membership they had. What the loggers do not use is off.
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
  "ports": { "grpc": -1, "grpc_tls": -1, "serf_wan": -1 },
  "disable_update_check": true
}
{{- end -}}
