#!/bin/bash
# Runs once, on an empty database: the roles of the service. The owner migrates; the service owns and bypasses nothing.
set -euo pipefail

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v owner_password="$MUSTER_OWNER_PASSWORD" -v app_password="$MUSTER_APP_PASSWORD" <<'SQL'
create role muster_owner login nosuperuser password :'owner_password';
create role muster_service nologin nosuperuser nobypassrls;
create role muster_app login nosuperuser nobypassrls in role muster_service password :'app_password';
create database muster owner muster_owner;
SQL
