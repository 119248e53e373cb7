{{/*
Names and labels, the same way everywhere. All objects are named after the full name, which is cut to 42 characters so
that "-leader", "-producer" and a Deployment's or StatefulSet's own suffixes stay within the 63 of a DNS label. A
release's name may have dots, which such a label may not.
*/}}
{{- define "distributed-logger.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 42 | trimAll "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 42 | trimAll "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | replace "." "-" | trunc 42 | trimAll "-" -}}
{{- end -}}
{{- end -}}

{{- define "distributed-logger.leaderServiceName" -}}
{{- .Values.leaderService.name | default (printf "%s-leader" (include "distributed-logger.fullname" .)) -}}
{{- end -}}

{{- define "distributed-logger.loggerServiceAccountName" -}}
{{- .Values.logger.serviceAccountName | default (include "distributed-logger.fullname" .) -}}
{{- end -}}

{{/* An image by its tag or, where the tag is a digest, by that. Takes (list <values of the image> "tag to use when it has none"). */}}
{{- define "distributed-logger.imageOf" -}}
{{- $tag := (index . 0).tag | default (index . 1) -}}
{{- (index . 0).repository -}}{{- ternary "@" ":" (regexMatch "^sha(256|512):" $tag) -}}{{- $tag -}}
{{- end -}}

{{- define "distributed-logger.image" -}}
{{- include "distributed-logger.imageOf" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{/*
A container's variables: the chart's, and the user's in place of those of the same name. No name is in the list twice: Helm 4 applies
on the server, which refuses that. A pod's field stays where it is, since $(NAME) is only known below; all else of the user's comes
last and may refer to the chart's. Takes (list "the chart's, as YAML" <the user's>).
*/}}
{{- define "distributed-logger.env" -}}
{{- $user := dict -}}
{{- range index . 1 }}{{ $_ := set $user .name . }}{{ end -}}
{{- $env := list -}}
{{- $names := list -}}
{{- range index . 0 | fromYamlArray -}}
{{- if not (hasKey $user .name) -}}
{{- $env = append $env . -}}
{{- else if .valueFrom -}}
{{- $env = append $env (get $user .name) -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}
{{- range index . 1 -}}
{{- if not (has .name $names) -}}
{{- $env = append $env (get $user .name) -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* Labels that never change in an object's life. Takes (list $ "component"). */}}
{{- define "distributed-logger.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* All labels of an object. Takes (list $ "component"). */}}
{{- define "distributed-logger.labels" -}}
{{- $root := index . 0 -}}
{{ include "distributed-logger.selectorLabels" . }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Pod security that the restricted standard asks for. Takes a numeric user and group. */}}
{{- define "distributed-logger.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ index . 0 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Where pods go. Takes (list $ "component" <values of the role>). */}}
{{- define "distributed-logger.scheduling" -}}
{{- $role := index . 2 -}}
{{- with $role.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.topologySpread }}
topologySpreadConstraints:
  - topologyKey: topology.kubernetes.io/zone
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "distributed-logger.selectorLabels" $ | nindent 8 }}
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: {{ . }}
    labelSelector:
      matchLabels:
        {{- include "distributed-logger.selectorLabels" $ | nindent 8 }}
{{- end }}
{{- end -}}

{{/* The volume of one member of a StatefulSet. Takes (list "name" <persistence values>). */}}
{{- define "distributed-logger.volumeClaimTemplate" -}}
{{- $persistence := index . 1 -}}
metadata:
  name: {{ index . 0 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with $persistence.storageClass }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ $persistence.size }}
{{- end -}}
