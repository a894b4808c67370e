{{/* Name of the objects: the release's, so that two releases do not collide; room is left for suffixes. */}}
{{- define "operator.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) -}}
{{- $name = printf "%s-%s" $name .Chart.Name -}}
{{- end -}}
{{- if gt (len $name) 50 -}}
{{- printf "%s-%s" (trunc 41 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/* Name of objects that have no namespace: releases of one name in two namespaces do not collide either. */}}
{{- define "operator.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "operator.fullname" .) -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: crowdsec-operator
app.kubernetes.io/instance: {{ include "operator.fullname" . }}
{{- end -}}

{{/* Labels of every object; yours add to ours and never replace them. */}}
{{- define "operator.labels" -}}
{{- $own := include "operator.selector" . | fromYaml -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $own "app.kubernetes.io/version" (.Chart.AppVersion | toString) -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "crowdsec" -}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{/* Labels of a pod; takes the root and the component. */}}
{{- define "operator.podLabels" -}}
{{- $root := index . 0 -}}
{{- $own := include "operator.labels" $root | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/component" (index . 1) -}}
{{- toYaml (merge $own $root.Values.podLabels) -}}
{{- end -}}

{{- define "operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The arguments that say which namespaces are meant. */}}
{{- define "operator.scope" -}}
{{- with .Values.watchNamespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- end -}}

{{/* The operator's files: what a spec that leaves it out gets, and the resources that come with the installation. */}}
{{- define "operator.config" -}}
{{- $namespaces := .Values.watchNamespaces | default (list .Release.Namespace) -}}
{{- $home := has .Release.Namespace $namespaces | ternary .Release.Namespace (first $namespaces) -}}
defaults.yaml: |
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  imagePullSecrets: [{{ range $n, $secret := .Values.imagePullSecrets }}{{ if $n }}, {{ end }}{{ $secret.name | quote }}{{ end }}]
{{- if .Values.defaults.enabled }}
resources.yaml: |
  {{- range .Values.defaults.resources }}
  ---
  {{- toYaml (merge (deepCopy .) (dict "metadata" (dict "namespace" $home))) | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where pods run; the same for the operator and the job that cleans up after it. */}}
{{- define "operator.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end -}}
