{{/* Labels by which the rules know this release's loggers: those that the ServiceMonitor gives them. */}}
{{- define "distributed-logger.metricsSelector" -}}
job="distributed-logger",namespace={{ .Release.Namespace | quote }},logger_cluster={{ include "distributed-logger.cluster" . | quote }}
{{- end -}}

{{/* The loggers' StatefulSet, as kube-state-metrics knows it. Without that program the series is not there, and an alert that
asks for it is as if it did not. */}}
{{- define "distributed-logger.statefulSetSelector" -}}
namespace={{ .Release.Namespace | quote }},statefulset={{ include "distributed-logger.fullname" . | quote }}
{{- end -}}

{{/* What the monitors make of every target, so that rules and dashboard find it whatever the release is called. */}}
{{- define "distributed-logger.relabelings" -}}
- targetLabel: job
  replacement: {{ index . 1 }}
- targetLabel: logger_cluster
  replacement: {{ include "distributed-logger.cluster" (index . 0) | quote }}
{{- end -}}
