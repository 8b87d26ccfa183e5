//! Which release a worker is of, and whether Temporal is to tell releases apart.

use clap::Args;
use temporalio_common::worker::{VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion};

use crate::parse::Problems;

/// What `--help` says of it.
#[derive(Debug, Clone, Default, Args)]
pub struct ReleaseArguments {
    /// The worker deployment at Temporal that this worker belongs to, such as muster. Workflows then end on the release on
    /// which they began, and a release gets new ones when it is promoted (muster workers promote); all workers of the namespace
    /// must have it. Otherwise workers of any release take any work
    #[arg(long, env = "WORKER_DEPLOYMENT", value_name = "NAME")]
    deployment: Option<String>,
    /// What this release is called there, the version unless told: the commit that an image was built from, for instance
    #[arg(long, env = "WORKER_BUILD_ID", value_name = "ID")]
    build_id: Option<String>,
}

/// Which release a worker is of.
#[derive(Debug, Clone)]
pub struct Release {
    deployment: Option<String>,
    build_id: String,
}

impl Default for Release {
    fn default() -> Self {
        Self { deployment: None, build_id: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

impl Release {
    pub(crate) fn of(arguments: &ReleaseArguments, problems: &mut Problems) -> Self {
        let right = "1 to 128 letters, digits, - and _";
        let deployment = arguments.deployment.as_deref();
        let deployment = problems.choice("WORKER_DEPLOYMENT", deployment, right, |name| {
            // A dot and a colon stand between name and build id where the server writes both as one.
            is_name(name, "-_").then(|| name.to_owned())
        });
        let right = "1 to 128 letters, digits, -, _, +, and dots";
        let build_id = problems.choice("WORKER_BUILD_ID", arguments.build_id.as_deref(), right, |id| {
            is_name(id, "-_+.").then(|| id.to_owned())
        });
        Self { deployment, build_id: build_id.unwrap_or_else(|| Self::default().build_id) }
    }

    /// What the log says of it.
    pub(crate) fn name(&self) -> String {
        match &self.deployment {
            Some(deployment) => format!("{deployment} {}", self.build_id),
            None => self.build_id.clone(),
        }
    }

    /// All workflows are pinned: they end on the code on which they began.
    pub(crate) fn options(&self) -> WorkerDeploymentOptions {
        let Some(deployment) = &self.deployment else {
            return WorkerDeploymentOptions::from_build_id(self.build_id.clone());
        };
        let version =
            WorkerDeploymentVersion::builder().deployment_name(deployment.as_str()).build_id(self.build_id.as_str());
        WorkerDeploymentOptions::new(version.build())
            .use_worker_versioning(true)
            .default_versioning_behavior(VersioningBehavior::Pinned)
            .build()
    }
}

fn is_name(text: &str, besides: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || besides.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(deployment: &str, build_id: &str) -> anyhow::Result<Release> {
        let mut problems = Problems::default();
        let arguments =
            ReleaseArguments { deployment: Some(deployment.to_owned()), build_id: Some(build_id.to_owned()) };
        let release = Release::of(&arguments, &mut problems);
        problems.finish().map(|()| release)
    }

    #[test]
    fn releases_are_told_apart_only_within_a_deployment() {
        let options = read("", "").unwrap().options();
        assert!(!options.use_worker_versioning && options.default_versioning_behavior.is_none());
        assert_eq!(options.version.build_id, env!("CARGO_PKG_VERSION"));
        let options = read("muster", "1.2.3+9f1c2e4").unwrap().options();
        assert!(options.use_worker_versioning);
        assert_eq!(options.default_versioning_behavior, Some(VersioningBehavior::Pinned));
        assert_eq!(
            (options.version.deployment_name.as_str(), options.version.build_id.as_str()),
            ("muster", "1.2.3+9f1c2e4")
        );
    }

    #[test]
    fn names_that_the_server_would_not_take_are_refused_together() {
        let long = "x".repeat(129);
        for wrong in ["muster.mail", "mus:ter", "my deployment", long.as_str()] {
            let error = read(wrong, "a/b").unwrap_err().to_string();
            assert!(error.contains("WORKER_DEPLOYMENT") && error.contains("WORKER_BUILD_ID"), "{error}");
        }
    }
}
