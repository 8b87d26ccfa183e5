{{- define "muster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "muster.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{/* Labels by which pods are found: never change them, selectors of Deployments cannot be changed. */}}
{{- define "muster.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "muster.labels" -}}
{{ include "muster.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ get . "tag" | default (include "muster.tag" .root) | trunc 63 | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What all pods have: an account of their own, nothing of the cluster's, nothing that can be written. */}}
{{- define "muster.pod" -}}
automountServiceAccountToken: false
# A Service named `worker` would otherwise become a variable WORKER_PORT, which is ours.
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "muster.container.security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* Two pods of a component go to two nodes and zones where they can. */}}
{{- define "muster.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "muster.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Where pods may go. */}}
{{- define "muster.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The builds whose workers run: the current one, and with versioning those that have workflows to finish. */}}
{{- define "muster.builds" -}}
{{- $versioning := .Values.workers.versioning -}}
{{- $tag := include "muster.tag" . -}}
{{- if $versioning.enabled -}}
{{- $builds := list (dict "tag" $tag "buildId" ($versioning.buildId | default $tag)) -}}
{{- range $versioning.previous -}}
{{- $builds = append $builds (dict "tag" .tag "buildId" (get . "buildId" | default .tag)) -}}
{{- end -}}
{{- toJson $builds -}}
{{- else -}}
{{- toJson (list (dict "tag" $tag "buildId" "")) -}}
{{- end -}}
{{- end -}}

{{/* The component of a group of workers: with versioning, of one build of it, so that Deployments of two builds do not take
     each other for their own. */}}
{{- define "muster.worker.component" -}}
worker-{{ .group }}{{ with .buildId }}-{{ . | lower | replace "." "-" | replace "_" "-" | replace "+" "-" | trunc 20 | trimSuffix "-" }}{{ end }}
{{- end -}}
