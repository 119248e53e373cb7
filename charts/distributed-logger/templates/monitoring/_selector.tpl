{{/* Labels by which the rules know this release's loggers: those that the ServiceMonitor gives them. */}}
{{- define "distributed-logger.metricsSelector" -}}
job="distributed-logger",namespace={{ .Release.Namespace | quote }},logger_cluster={{ include "distributed-logger.cluster" . | quote }}
{{- end -}}

{{/* What the monitors make of every target, so that rules and dashboard find it whatever the release is called. */}}
{{- define "distributed-logger.relabelings" -}}
- targetLabel: job
  replacement: {{ index . 1 }}
- targetLabel: logger_cluster
  replacement: {{ include "distributed-logger.cluster" (index . 0) | quote }}
{{- end -}}
