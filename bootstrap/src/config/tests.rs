use super::*;

fn load(vars: &[(&str, &str)]) -> anyhow::Result<Config> {
    let vars: std::collections::HashMap<String, String> =
        vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::from_variables(move |name| vars.get(name).cloned())
}

#[test]
fn only_the_database_is_required() {
    let config = load(&[("DATABASE_URL", "postgres://a@b/c"), ("DOCS_URL", "")]).unwrap();
    assert_eq!((config.port, config.app_env, config.docs_url), (8000, AppEnv::Development, None));
}

#[test]
fn every_wrong_value_is_named_at_once() {
    let vars = [
        ("PORT", "eighty"),
        ("APP_ENV", "staging"),
        ("JWT_ALGORITHM", "none"),
        ("SMTP_POOL_SIZE", "-1"),
        ("CACHE_ENABLED", "perhaps"),
        ("CACHE_TTL", "0"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ALLOW_CREDENTIALS", "true"),
    ];
    let error = load(&vars).unwrap_err().to_string();
    for (name, _) in vars.into_iter().chain([("DATABASE_URL", "")]) {
        assert!(error.contains(name), "{name} is not in: {error}");
    }
    assert!(!error.contains("eighty"), "values may be secret");
}

#[test]
fn secrets_may_come_from_files() {
    let file = std::env::temp_dir().join(format!("muster-config-{}", std::process::id()));
    std::fs::write(&file, "postgres://a@b/c\n").unwrap();
    let config = load(&[("DATABASE_URL_FILE", file.to_str().unwrap())]).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(config.database_url, "postgres://a@b/c");
    let error = load(&[("DATABASE_URL_FILE", "/nowhere")]).unwrap_err().to_string();
    assert!(error.contains("DATABASE_URL_FILE"), "{error}");
}

#[test]
fn an_empty_variable_does_not_hide_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("url");
    std::fs::write(&file, "postgres://a@b/c\n").unwrap();
    let config = load(&[("DATABASE_URL", ""), ("DATABASE_URL_FILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(config.database_url, "postgres://a@b/c");
    let url = ("DATABASE_URL", "postgres://a@b/c");
    assert_eq!(load(&[url, ("DOCS_URL", ""), ("DOCS_URL_FILE", "")]).unwrap().docs_url, None);
}

#[test]
fn a_number_out_of_range_is_an_error_that_names_the_range() {
    let url = ("DATABASE_URL", "postgres://a@b/c");
    for (name, wrong, right) in [
        ("DATABASE_POOL_SIZE", "1", "from 2"),
        ("SMTP_POOL_SIZE", "0", "from 1"),
        ("IDEMPOTENCY_KEY_HOURS", "23", "from 24"),
        ("UPLOAD_KEEP_DAYS", "0", "from 1 to 3650"),
        ("RESULT_KEEP_DAYS", "3651", "from 1 to 3650"),
        ("UPLOAD_KEEP_DAYS", "31", "not be more than RESULT_KEEP_DAYS"),
        ("EXPORT_KEEP_DAYS", "31", "not be more than RESULT_KEEP_DAYS"),
        ("UPLOAD_MAX_ROWS", "0", "from 1 to 2000000000"),
        ("UPLOAD_MAX_ROWS", "2000000001", "from 1 to 2000000000"),
    ] {
        let error = load(&[url, (name, wrong)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(right), "{error}");
    }
    let vars = [url, ("DATABASE_POOL_SIZE", "2"), ("SMTP_POOL_SIZE", "1"), ("IDEMPOTENCY_KEY_HOURS", "24")];
    let config = load(&vars).unwrap();
    assert_eq!((config.database_pool_size, config.smtp_pool_size), (2, 1));
}
