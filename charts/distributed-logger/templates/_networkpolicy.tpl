{{/*
Who may talk to whom. What a policy allows adds up, and a pod that no policy selects is open, so each role has one policy for
both directions. A node's own traffic to its pods, as probes are, is let through by the network plugins themselves.
*/}}

{{/* Pods of this release with one of some components. Takes (list $ "component" …). */}}
{{- define "distributed-logger.peersOf" -}}
{{- $root := index . 0 -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ $root.Chart.Name }}
      app.kubernetes.io/instance: {{ $root.Release.Name }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: [{{ join ", " (rest .) }}]
{{- end -}}

{{/* Names are asked of whatever serves them: a Service, or a cache on the node. */}}
{{- define "distributed-logger.egressToDns" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}

{{- define "distributed-logger.egressToConsul" -}}
{{- if .Values.consul.enabled -}}
- to:
    {{- include "distributed-logger.peersOf" (list . "consul") | nindent 4 }}
  ports:
    - port: {{ if .Values.consul.tls.secretName }}8501{{ else }}8500{{ end }}
{{- else -}}
- ports:
    {{- $ports := list }}
    {{- range .Values.consul.externalUrls }}
    {{- $host := (urlParse .).host }}
    {{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" }}
    {{- $ports = append $ports ($port | default (ternary "443" "80" (hasPrefix "https:" .))) }}
    {{- end }}
    {{- range uniq $ports }}
    - port: {{ . }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Prometheus, from its namespace. */}}
{{- define "distributed-logger.monitoringPeer" -}}
{{- with .Values.networkPolicy.monitoringNamespace -}}
- namespaceSelector:
    matchLabels:
      {{- toYaml . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* The label that makes a pod a client of the loggers' API. */}}
{{- define "distributed-logger.clientLabel" -}}
distributed-logger/client: {{ include "distributed-logger.fullname" . }}
{{- end -}}
