{{- define "omnicore.name" -}}
{{- if contains "omnicore" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-omnicore" (.Release.Name | trunc 43 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "omnicore.selector" -}}
app.kubernetes.io/name: omnicore
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "omnicore.labels" -}}
{{ include "omnicore.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "omnicore.secret" -}}
{{ .Values.secrets.existing | default (include "omnicore.name" .) }}
{{- end }}

{{/* True if hosts share a database. */}}
{{- define "omnicore.database" -}}
{{- if or .Values.secrets.existing .Values.secrets.storageUrl }}yes{{ end }}
{{- end }}

{{/* Refuses what would lose work: several hosts without one truth. */}}
{{- define "omnicore.checked" -}}
{{- $several := or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- if and $several (not (include "omnicore.database" .)) }}
{{- fail "several hosts need one database: set secrets.existing or secrets.storageUrl, or replicas to 1" }}
{{- end }}
{{- if and .Values.fleet.nats (not .Values.secrets.existing) (not .Values.secrets.fleetUrl) }}
{{- fail "fleet.nats needs servers: set secrets.fleetUrl, or secrets.existing" }}
{{- end }}
{{- if and $several .Values.persistence.enabled }}
{{- fail "hosts share no disk: switch persistence off, or set replicas to 1" }}
{{- end }}
{{- end }}

{{/* Names that requests may carry: the chart's own, the ingress's, the address of the pod, and the settings'. */}}
{{- define "omnicore.hosts" -}}
{{- $name := include "omnicore.name" . }}
{{- $own := list "localhost" "127.0.0.1" "$(POD_IP)" $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) }}
{{- if .Values.ingress.enabled }}{{ $own = append $own .Values.ingress.host }}{{ end }}
{{- concat $own (.Values.settings.allowed_hosts | default list) | uniq | join "," }}
{{- end }}
