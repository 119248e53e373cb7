{{/*
Secrets, and the names that certificates are asked for. A Secret is always mounted as a directory, never by a subPath or as a
variable, so that a renewed certificate or token reaches the running pod. Keys and tokens are readable by the pod's group alone.
*/}}

{{/* Where a pod has its Secrets; one directory for each. */}}
{{- define "distributed-logger.secretMount" -}}
- name: {{ . }}
  mountPath: /secrets/{{ . }}
  readOnly: true
{{- end -}}

{{/* A volume of a Secret. Takes (list "volume" "secret" <list of its keys, or nothing for all>). */}}
{{- define "distributed-logger.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 }}
    defaultMode: 288 # r--r-----
    {{- with index . 2 }}
    items:
      {{- range . }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
    {{- end }}
{{- end -}}

{{- define "distributed-logger.apiScheme" -}}
{{- if .Values.api.tls.secretName -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{/* The host of a Service of this release. Takes (list $ "service"). With TLS the long name, since a wildcard for two labels
alone, as *.name-headless, is no name to Node. */}}
{{- define "distributed-logger.apiHost" -}}
{{- $root := index . 0 -}}
{{- index . 1 -}}{{- if $root.Values.api.tls.secretName -}}.{{ $root.Release.Namespace }}.svc{{- end -}}
{{- end -}}

{{- define "distributed-logger.leaderUrl" -}}
{{ include "distributed-logger.apiScheme" . }}://{{ include "distributed-logger.apiHost" (list . (include "distributed-logger.leaderServiceName" .)) }}:8080
{{- end -}}

{{- define "distributed-logger.loggersUrl" -}}
{{ include "distributed-logger.apiScheme" . }}://{{ include "distributed-logger.apiHost" (list . (include "distributed-logger.fullname" .)) }}:8080
{{- end -}}

{{/* Settings that contradict each other, each with what to do. Rendered where the loggers are, which are always there. */}}
{{- define "distributed-logger.validate" -}}
{{- $values := .Values -}}
{{- $fullname := include "distributed-logger.fullname" . -}}
{{- if not (regexMatch "^[a-z]" $fullname) -}}
{{- fail (printf "fullnameOverride must be set: Services are named after %q, and a Service's name begins with a letter" $fullname) -}}
{{- end -}}
{{- if has $values.leaderService.name (list $fullname (printf "%s-headless" $fullname) (printf "%s-consul" $fullname)) -}}
{{- fail (printf "leaderService.name must not be %q, which is the name of another Service of this release" $values.leaderService.name) -}}
{{- end -}}
{{- if gt (int $values.logger.replicas) (int $values.logger.maxReplicas) -}}
{{- fail "logger.replicas is more than logger.maxReplicas: the loggers could not label the pods beyond it" -}}
{{- end -}}
{{- if and $values.logger.apiUrl (not (hasPrefix (printf "%s://" (include "distributed-logger.apiScheme" .)) $values.logger.apiUrl)) -}}
{{- fail (printf "logger.apiUrl must begin with %s://, as api.tls says" (include "distributed-logger.apiScheme" .)) -}}
{{- end -}}
{{- if and $values.api.tokens.secretName $values.producer.enabled (not $values.api.tokens.clientSecret.name) -}}
{{- fail "api.tokens.clientSecret.name must be set: the producer has no token otherwise" -}}
{{- end -}}
{{- if and $values.api.tokens.secretName $values.api.tokens.forMetrics $values.monitoring.enabled (not $values.monitoring.tokenSecret.name) -}}
{{- fail "monitoring.tokenSecret.name must be set: api.tokens.forMetrics lets Prometheus in with a token only" -}}
{{- end -}}
{{- if and $values.api.tokens.forMetrics (not $values.api.tokens.secretName) -}}
{{- fail "api.tokens.forMetrics needs api.tokens.secretName" -}}
{{- end -}}
{{- if $values.consul.enabled -}}
{{- if and $values.consul.acl.managementSecret.name (not $values.consul.tokenSecret.name) -}}
{{- fail "consul.tokenSecret.name must be set: with consul.acl the loggers need a token" -}}
{{- end -}}
{{- else if or $values.consul.tls.secretName $values.consul.acl.managementSecret.name $values.consul.gossip.keySecret.name -}}
{{- fail "consul.tls.secretName, consul.acl and consul.gossip are for the chart's own Consul; an external one has consul.tls.caSecret and consul.tokenSecret" -}}
{{- end -}}
{{- end -}}

{{/* The Secret and key of the CA by which Consul is known, as fields of a map; both empty where none is given. */}}
{{- define "distributed-logger.consulCa" -}}
{{- if .Values.consul.enabled -}}
{{- dict "name" .Values.consul.tls.secretName "key" "ca.crt" | toJson -}}
{{- else -}}
{{- .Values.consul.tls.caSecret | toJson -}}
{{- end -}}
{{- end -}}
