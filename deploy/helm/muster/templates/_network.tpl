{{/* A way out to one service: `to` are peers, and none of them means anywhere. */}}
{{- define "muster.egress" -}}
- ports: [{ protocol: TCP, port: {{ .port }} }]
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "muster.egress.dns" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
  {{- with .Values.networkPolicies.dns }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
