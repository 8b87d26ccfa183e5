{{/*
Secrets of one program. `wants` lists them: database, owner, redis, smtp, temporal, tokens, partners, codec,
codecToken.

The variable ends with _FILE (or _PATH, for keys) and names a file below /run/secrets/muster.
*/}}
{{- define "muster.secrets.list" -}}
{{- $secrets := .root.Values.secrets -}}
{{- $found := list -}}
{{- range .wants -}}
{{- $secret := get $secrets . -}}
{{- if $secret.existingSecret -}}
{{- if eq . "database" -}}
{{- $found = append $found (dict "variable" "DATABASE_URL_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "database-url") -}}
{{- else if eq . "owner" -}}
{{- $found = append $found (dict "variable" "ADMIN_DATABASE_URL_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "admin-database-url") -}}
{{- else if eq . "redis" -}}
{{- $found = append $found (dict "variable" "REDIS_URL_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "redis-url") -}}
{{- else if eq . "smtp" -}}
{{- $found = append $found (dict "variable" "SMTP_URL_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "smtp-url") -}}
{{- else if eq . "codec" -}}
{{- $found = append $found (dict "variable" "MUSTER_CODEC_KEYS_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "codec-keys") -}}
{{- else if eq . "codecToken" -}}
{{- $found = append $found (dict "variable" "CODEC_TOKEN_FILE" "secret" $secret.existingSecret "key" $secret.key "file" "codec-token") -}}
{{- else if eq . "temporal" -}}
{{- if $secret.apiKey -}}
{{- $found = append $found (dict "variable" "TEMPORAL_API_KEY_FILE" "secret" $secret.existingSecret "key" $secret.apiKey "file" "temporal-api-key") -}}
{{- end -}}
{{- if $secret.ca -}}
{{- $found = append $found (dict "variable" "TEMPORAL_TLS_SERVER_CA_CERT_PATH" "secret" $secret.existingSecret "key" $secret.ca "file" "temporal-ca") -}}
{{- end -}}
{{- if $secret.cert -}}
{{- $found = append $found (dict "variable" "TEMPORAL_TLS_CLIENT_CERT_PATH" "secret" $secret.existingSecret "key" $secret.cert "file" "temporal-cert") -}}
{{- end -}}
{{- if $secret.key -}}
{{- $found = append $found (dict "variable" "TEMPORAL_TLS_CLIENT_KEY_PATH" "secret" $secret.existingSecret "key" $secret.key "file" "temporal-key") -}}
{{- end -}}
{{- else if eq . "partners" -}}
{{- $found = append $found (dict "variable" "PARTNER_SECRET_KEY_PATH" "secret" $secret.existingSecret "key" $secret.key "file" "partner.key") -}}
{{- if $secret.previousKey -}}
{{- $found = append $found (dict "variable" "PARTNER_SECRET_KEY_PREVIOUS_FILE" "secret" $secret.existingSecret "key" $secret.previousKey "file" "partner-previous.key") -}}
{{- end -}}
{{- else if eq . "tokens" -}}
{{- if $secret.privateKey -}}
{{- $found = append $found (dict "variable" "JWT_PRIVATE_KEY_PATH" "secret" $secret.existingSecret "key" $secret.privateKey "file" "jwt-private") -}}
{{- end -}}
{{- if $secret.publicKey -}}
{{- $found = append $found (dict "variable" "JWT_PUBLIC_KEY_PATH" "secret" $secret.existingSecret "key" $secret.publicKey "file" "jwt-public") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{- define "muster.secrets.env" -}}
{{- range include "muster.secrets.list" . | fromJsonArray }}
- name: {{ .variable }}
  value: /run/secrets/muster/{{ .file }}
{{- end }}
{{- end -}}

{{- define "muster.secrets.mount" -}}
{{- if include "muster.secrets.list" . | fromJsonArray }}
volumeMounts:
  - name: secrets
    mountPath: /run/secrets/muster
    readOnly: true
{{- end }}
{{- end -}}

{{- define "muster.secrets.volume" -}}
{{- with include "muster.secrets.list" . | fromJsonArray }}
volumes:
  - name: secrets
    projected:
      # Readable by the group, which is fsGroup.
      defaultMode: 0440
      sources:
        {{- range . }}
        - secret:
            name: {{ .secret }}
            items: [{ key: {{ .key | quote }}, path: {{ .file }} }]
        {{- end }}
{{- end }}
{{- end -}}
