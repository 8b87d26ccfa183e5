use jsonwebtoken::Algorithm;

/// How another issuer may sign. Only algorithms whose verifying key may be public: whoever can read a published set
/// must not be able to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwksAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// RSA with PKCS#1 v1.5 and SHA-256.
    Rs256,
}

impl JwksAlgorithm {
    /// Every algorithm that can be configured.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Es384, Self::Rs256];

    /// The name in configuration and in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }

    /// A list such as `ES256,RS256`. None when it is empty or has anything else in it.
    pub fn list(text: &str) -> Option<Vec<Self>> {
        let find = |name: &str| Self::ALL.into_iter().find(|algorithm| algorithm.name() == name.trim());
        text.split(',').map(find).collect()
    }
}

impl From<JwksAlgorithm> for Algorithm {
    fn from(algorithm: JwksAlgorithm) -> Self {
        match algorithm {
            JwksAlgorithm::Es256 => Self::ES256,
            JwksAlgorithm::Es384 => Self::ES384,
            JwksAlgorithm::Rs256 => Self::RS256,
        }
    }
}
