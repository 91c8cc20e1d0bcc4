{{/* The labels of an object; of a list of the chart and the name of a component, or none. */}}
{{- define "aiotest.labels" -}}
{{- $chart := index . 0 -}}
{{ include "aiotest.selector" . }}
app.kubernetes.io/version: {{ $chart.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $chart.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $chart.Chart.Name $chart.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The labels by which pods are selected. */}}
{{- define "aiotest.selector" -}}
{{- $chart := index . 0 -}}
app.kubernetes.io/name: aiotest
app.kubernetes.io/instance: {{ $chart.Release.Name }}
{{- if gt (len .) 1 }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}
{{- end }}

{{- define "aiotest.secret" -}}
{{- if .Values.existingSecret -}}
{{ .Values.existingSecret }}
{{- else if not .Values.token -}}
{{ fail "Set token to a long random text, or existingSecret to the name of a Secret that has it." }}
{{- else -}}
{{ .Release.Name }}-token
{{- end }}
{{- end }}

{{/* The ConfigMap with the test file; empty if the image contains it. */}}
{{- define "aiotest.testConfigMap" -}}
{{- if .Values.testConfigMap -}}
{{ .Values.testConfigMap }}
{{- else if .Values.testFile -}}
{{ .Release.Name }}-test
{{- end }}
{{- end }}

{{- define "aiotest.annotations" -}}
{{- /* Autoscalers do not move a pod during the run. */ -}}
cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
karpenter.sh/do-not-disrupt: "true"
{{- with . }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the pods of master and workers have in common; of the chart and the values of the component. */}}
{{- define "aiotest.pod" -}}
{{- $chart := index . 0 }}
{{- $own := index . 1 -}}
restartPolicy: Never
# Time for users to stop (--stop-timeout, 2 s), for workers to send their last counts, and to write the reports.
terminationGracePeriodSeconds: 60
automountServiceAccountToken: false
# Otherwise a Service could set AIOTEST_MASTER_PORT, which is an option of aiotest, to "tcp://…".
enableServiceLinks: false
{{- with $chart.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $own.localPorts }}
  sysctls:
    - name: net.ipv4.ip_local_port_range
      value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* What their containers have in common. */}}
{{- define "aiotest.container" -}}
{{- $chart := index . 0 }}
{{- $own := index . 1 -}}
name: aiotest
image: "{{ $chart.Values.image.repository }}:{{ $chart.Values.image.tag | default $chart.Chart.AppVersion }}"
{{- with $chart.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
# Without a liveness probe: a worker that waits for its master is healthy, and a restarted one has lost the counts
# that it had not reported.
readinessProbe:
  exec:
    command: ["aiotest-alive"]
  periodSeconds: 10
  timeoutSeconds: 10
# The last lines of the log are also in the pod's status if the run has failed.
terminationMessagePolicy: FallbackToLogsOnError
resources:
  {{- toYaml $own.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "aiotest.tokenVariable" -}}
- name: AIOTEST_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ include "aiotest.secret" . }}
      key: token
{{- end }}

{{/* A number of the values as it was written: large ones are floating-point numbers in a chart. */}}
{{- define "aiotest.optionText" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{ int64 . }}
{{- else -}}
{{ . }}
{{- end }}
{{- end }}
