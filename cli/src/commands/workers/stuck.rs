use muster_bootstrap::workers::{Deployment, QueueState, VersionState};

/// What waits and nobody has asked for in the last minutes: one line for each task queue, or for each release on it.
pub(super) fn stuck(queues: &[QueueState], deployments: &[Deployment]) -> Vec<String> {
    let mut lines = Vec::new();
    for queue in queues.iter().filter(|queue| queue.backlog.tasks > 0) {
        let place = format!("{} ({})", queue.queue, queue.kind.name());
        if queue.pollers.is_empty() {
            lines.push(format!("{place}: {} wait and no worker serves it", tasks(queue.backlog.tasks)));
            continue;
        }
        // Before the first promotion all goes to workers of no release.
        if queue.deployment.is_none() && queue.pollers.iter().all(|poller| poller.deployment.is_some()) {
            let wait = tasks(queue.backlog.tasks);
            lines.push(format!("{place}: {wait} wait and no release is current: promote one"));
            continue;
        }
        for deployment in deployments {
            for version in deployment.versions.iter().filter(|version| version.state != VersionState::Drained) {
                let of_this =
                    version.queues.iter().filter(|(name, kind, _)| name == queue.queue && *kind == queue.kind);
                let waiting: u64 = of_this.map(|(_, _, backlog)| backlog.tasks).sum();
                let is_served = queue.pollers.iter().any(|poller| {
                    poller.build_id == version.build_id && poller.deployment.as_ref() == Some(&deployment.name)
                });
                if waiting > 0 && !is_served {
                    let release = format!("{} {}", deployment.name, version.build_id);
                    lines.push(format!("{place}: {} wait for {release}, which has no worker there", tasks(waiting)));
                }
            }
        }
    }
    lines
}

fn tasks(count: u64) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

#[cfg(test)]
mod tests {
    use muster_bootstrap::workers::{Backlog, Poller, TaskKind, Version};

    use super::*;

    fn backlog(tasks: u64) -> Backlog {
        Backlog { tasks, ..Backlog::default() }
    }

    fn queue(tasks: u64, pollers: &[Option<&str>], current: Option<&str>) -> QueueState {
        let poller = |build_id: Option<&str>| Poller {
            identity: "one".to_owned(),
            last_seen: None,
            deployment: build_id.map(|_| "muster".to_owned()),
            build_id: build_id.unwrap_or("0").to_owned(),
        };
        QueueState {
            queue: "muster-mail",
            kind: TaskKind::Activity,
            pollers: pollers.iter().copied().map(poller).collect(),
            backlog: backlog(tasks),
            limit_per_second: None,
            deployment: current.map(str::to_owned),
        }
    }

    fn deployment(build_id: &str, state: VersionState, tasks: u64) -> Deployment {
        let queues = vec![("muster-mail".to_owned(), TaskKind::Activity, backlog(tasks))];
        let version = Version { build_id: build_id.to_owned(), state, since: None, queues };
        Deployment { name: "muster".to_owned(), ramp_percent: 0.0, versions: vec![version] }
    }

    #[test]
    fn what_waits_for_a_worker_that_is_there_is_not_stuck() {
        assert!(stuck(&[queue(0, &[], None), queue(5, &[None], None)], &[]).is_empty());
        let of_a = [deployment("a", VersionState::Current, 5)];
        assert!(stuck(&[queue(5, &[Some("a")], Some("muster"))], &of_a).is_empty());
    }

    #[test]
    fn what_nobody_asks_for_is_named_with_what_is_missing() {
        let only = |lines: Vec<String>| lines.join("\n");
        assert_eq!(
            only(stuck(&[queue(1, &[], None)], &[])),
            "muster-mail (activity): 1 task wait and no worker serves it"
        );
        let lines = stuck(&[queue(2, &[Some("a")], None)], &[deployment("a", VersionState::Inactive, 0)]);
        assert!(only(lines).contains("no release is current"));
        let of_b = [deployment("b", VersionState::Draining, 3)];
        let lines = stuck(&[queue(3, &[Some("a")], Some("muster"))], &of_b);
        assert!(only(lines).contains("3 tasks wait for muster b, which has no worker there"));
        assert!(
            stuck(&[queue(3, &[Some("a")], Some("muster"))], &[deployment("b", VersionState::Drained, 3)]).is_empty()
        );
    }
}
