use super::Setting;

/// What the API and `muster partner` seal secrets with.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "PARTNER_SECRET_KEY",
        "what the secrets of [partners](../partners.md) are sealed with in the database: base64 of 32 random bytes",
    )
    .example_in_words("output of `openssl rand -base64 32`")
    .secret(),
    Setting::new("PARTNER_SECRET_KEY_PATH", "file with the same; in development it is made when it is missing")
        .example("/run/secrets/partner.key"),
    Setting::new("PARTNER_SECRET_KEY_PREVIOUS", "the key before: what was sealed with it can still be opened")
        .example_in_words("the same")
        .secret(),
];
