{{/* The loggers' settings that are the same in every pod. A change restarts the pods, by a checksum of this text. */}}
{{- define "distributed-logger.loggerConfig" -}}
{{- $fullname := include "distributed-logger.fullname" . -}}
DLOG_CLUSTER: {{ include "distributed-logger.cluster" . | quote }}
DLOG_DATA_DIR: /data
{{/* A fixed port rather than a free one: a NetworkPolicy must be able to name it. */ -}}
DLOG_BEAT_PORT: "9091"
DLOG_CONSUL_URLS: {{ include "distributed-logger.consulUrls" . | quote }}
DLOG_KUBERNETES: "on"
DLOG_POD_SELECTOR: {{ include "distributed-logger.podSelector" . | quote }}
DLOG_STATEFULSET: {{ $fullname | quote }}
DLOG_LOG_LEVEL: {{ .Values.logger.logLevel | quote }}
DLOG_PRINT_RECORDS: {{ .Values.logger.printRecords | quote }}
DLOG_PRINT_RATE: {{ int64 .Values.logger.printRate | quote }}
DLOG_RETENTION_BYTES: {{ int64 .Values.logger.retentionBytes | quote }}
DLOG_RETENTION_MS: {{ int64 .Values.logger.retentionMs | quote }}
{{- with .Values.api.tls.secretName }}
DLOG_API_TLS_CERT_FILE: /secrets/api-tls/tls.crt
DLOG_API_TLS_KEY_FILE: /secrets/api-tls/tls.key
{{- end }}
{{- with .Values.api.tokens.secretName }}
DLOG_API_TOKENS_DIR: /secrets/api-tokens
{{- end }}
{{- if .Values.api.tokens.forMetrics }}
DLOG_METRICS_NEED_TOKEN: "true"
{{- end }}
{{- with .Values.peers.tls.secretName }}
DLOG_PEER_TLS_CERT_FILE: /secrets/peer-tls/tls.crt
DLOG_PEER_TLS_KEY_FILE: /secrets/peer-tls/tls.key
DLOG_PEER_TLS_CA_FILE: /secrets/peer-tls/ca.crt
{{- end }}
{{- with include "distributed-logger.consulCa" . | fromJson }}
{{- if .name }}
DLOG_CONSUL_CA_FILE: /secrets/consul-ca/{{ .key }}
{{- end }}
{{- end }}
{{- with .Values.consul.tokenSecret }}
{{- if .name }}
DLOG_CONSUL_TOKEN_FILE: /secrets/consul-token/{{ .key }}
{{- end }}
{{- end }}
{{/* As long as a node's routes may go on leading to a pod that has ended: kube-proxy renews them once a second. */ -}}
DLOG_LINGER_MS: "2000"
DLOG_SHUTDOWN_TIMEOUT_MS: {{ mul (sub (int64 .Values.logger.terminationGracePeriodSeconds) 5) 1000 | quote }}
{{- end -}}

{{/* The first members. Not part of the checksum: only loggers that find no register read it, and a new number of
replicas must not restart the ones that run. */}}
{{- define "distributed-logger.peers" -}}
{{- $fullname := include "distributed-logger.fullname" . -}}
{{- $peers := list -}}
{{- range $index := until (int .Values.logger.replicas) -}}
{{- $pod := printf "%s-%d" $fullname $index -}}
{{- $peers = append $peers (printf "%s=%s.%s:9090" $pod $pod (include "distributed-logger.peerDomain" $)) -}}
{{- end -}}
{{- join "," $peers -}}
{{- end -}}

{{/* Where the loggers' own names are. With TLS the long name, as for the API: a certificate's *.name-headless means nothing to Node. */}}
{{- define "distributed-logger.peerDomain" -}}
{{ include "distributed-logger.fullname" . }}-headless{{ if .Values.peers.tls.secretName }}.{{ .Release.Namespace }}.svc{{ end }}
{{- end -}}

{{/* Two releases of one name in different namespaces must not meet in a Consul that they share. */}}
{{- define "distributed-logger.cluster" -}}
{{- $fullname := include "distributed-logger.fullname" . -}}
{{- if .Values.logger.cluster -}}
{{- .Values.logger.cluster -}}
{{- else if .Values.consul.enabled -}}
{{- $fullname -}}
{{- else -}}
{{- $cluster := printf "%s-%s" .Release.Namespace $fullname -}}
{{- if gt (len $cluster) 63 -}}
{{- fail (printf "logger.cluster must be set: %q has more than 63 characters" $cluster) -}}
{{- end -}}
{{- $cluster -}}
{{- end -}}
{{- end -}}

{{/* Each Consul server by its own stable name, so that a logger can move on to the next when one is away. */}}
{{- define "distributed-logger.consulUrls" -}}
{{- if .Values.consul.enabled -}}
{{- $service := printf "%s-consul" (include "distributed-logger.fullname" .) -}}
{{- $urls := list -}}
{{- range $index := until (int .Values.consul.replicas) -}}
{{- if $.Values.consul.tls.secretName -}}
{{- $urls = append $urls (printf "https://%s-%d.%s.%s.svc:8501" $service $index $service $.Release.Namespace) -}}
{{- else -}}
{{- $urls = append $urls (printf "http://%s-%d.%s:8500" $service $index $service) -}}
{{- end -}}
{{- end -}}
{{- join "," $urls -}}
{{- else -}}
{{- join "," .Values.consul.externalUrls -}}
{{- end -}}
{{- end -}}

{{/* The selector labels once more, as the text that the Kubernetes API takes. */}}
{{- define "distributed-logger.podSelector" -}}
{{- $terms := list -}}
{{- range $label, $value := include "distributed-logger.selectorLabels" (list . "logger") | fromYaml -}}
{{- $terms = append $terms (printf "%s=%s" $label $value) -}}
{{- end -}}
{{- join "," $terms -}}
{{- end -}}

{{/* What to say of a retention before which the volume is full; nothing where it fits, as src/limits.ts has it. */}}
{{- define "distributed-logger.retentionWarning" -}}
{{- $retention := .Values.logger.retentionBytes | float64 -}}
{{- $segment := min 134217728 (divf $retention 4 | int64) -}}
{{- $size := .Values.logger.persistence.size | toString -}}
{{- $units := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 -}}
{{- $bytes := mulf (regexFind "^[0-9.]+" $size) (get $units (regexFind "[A-Za-z]+$" $size) | default 1.0) -}}
{{- if and $retention (gt (addf $retention $segment 16777216) $bytes) -}}
WARNING: logger.retentionBytes is {{ int64 $retention }}. With one more segment that is more than a volume of logger.persistence.size
({{ $size }}) holds: appends get 507 before old segments go.
{{- end -}}
{{- end -}}
