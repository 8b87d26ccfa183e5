//! `bench search`: searches by parts of texts among many users, as the API answers them, row level security included.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    process::Program,
    spread::per_mille,
    stack::Stack,
    tools::{announce, wait_until},
};
use serde_json::{Value, json};

use super::report::{line, millis};

const TENANTS: usize = 50;
/// The tenant that holds half of the users, and one of the others.
const BIG: &str = "00000000-0000-4000-8000-000000000000";
const SMALL: &str = "00000000-0000-4000-8000-000000000001";
/// Rows of a statement, as in an import.
const BLOCK: usize = 10_000;
/// Terms of each kind and tenant.
const TERMS: usize = 200;
/// A term with fewer hits is what the target is about.
const FEW: u64 = 1_000;
const MAX_P99_MS: f64 = 50.0;

/// What was measured.
pub(super) struct Figures {
    users: usize,
    /// From the last user to an index that has all of them.
    indexed: Duration,
    index_bytes: String,
    searches: Vec<Search>,
}

/// Searches of a kind in a tenant.
struct Search {
    tenant: &'static str,
    kind: &'static str,
    few: bool,
    hits: u64,
    /// Ascending.
    times: Vec<Duration>,
}

impl Search {
    fn per_mille(&self, n: usize) -> f64 {
        millis(per_mille(&self.times, n))
    }
}

pub(super) fn measure(stack: &Stack, users: usize) -> Result<Figures> {
    announce(&format!("{users} users of {TENANTS} tenants, of whom one holds half"));
    fill(stack, users)?;
    announce("indexing them");
    let begin = Instant::now();
    let worker = stack.spawn_worker()?;
    wait_until("the index", Duration::from_mins(15), || {
        Ok((stack.psql("select count(*) from user_search_queue")? == "0").then_some(()))
    })?;
    let indexed = begin.elapsed();
    drop(worker);
    stack.psql("vacuum analyze users")?;
    stack.psql("vacuum analyze user_search")?;
    let api = stack.spawn_ready(Program::Api, "api", &[("RATE_LIMIT_ENABLED", "false"), ("LOG_LEVEL", "warn")])?;

    let mut searches = Vec::new();
    for (tenant, id) in [("half of all", BIG), ("a hundredth", SMALL)] {
        let client = Client::new(&api.url(), &stack.token(id)?);
        for kind in ["email", "username", "full_name"] {
            announce(&format!("{TERMS} parts of {kind} in {tenant}"));
            searches.extend(search(&client, &terms(stack, id, kind)?, tenant, kind)?);
        }
    }
    let index_bytes = stack.psql("select pg_size_pretty(pg_total_relation_size('user_search'))")?;
    Ok(Figures { users, indexed, index_bytes, searches })
}

/// Asks for each term once to warm up and once to measure; those with few hits and the others apart.
fn search(client: &Client, terms: &[String], tenant: &'static str, kind: &'static str) -> Result<Vec<Search>> {
    let mut both = [true, false].map(|few| Search { tenant, kind, few, hits: 0, times: Vec::new() });
    for term in terms {
        client.search(kind, term)?;
        let begin = Instant::now();
        let total = client.search(kind, term)?;
        let took = begin.elapsed();
        ensure!(total > 0, "{kind}={term} finds nobody, though it was taken from a user");
        for search in both.iter_mut().filter(|search| search.few == (total < FEW)) {
            search.hits += total;
            search.times.push(took);
        }
    }
    Ok(both.into_iter().filter(|search| !search.times.is_empty()).map(sorted).collect())
}

fn sorted(mut search: Search) -> Search {
    search.times.sort_unstable();
    search
}

/// Parts of three to eight characters of what users are called, from all over the tenant.
fn terms(stack: &Stack, tenant: &str, kind: &str) -> Result<Vec<String>> {
    let sql = format!(
        "select term from (
             select substr({kind}, 1 + (hash % 6)::int, 3 + (hash / 7 % 6)::int) as term, hash
             from (select *, abs(hashtextextended(id::text, 7)) as hash from users where tenant_id = '{tenant}') hashed
         ) parts
         where term ~ '^[A-Za-z0-9]{{3,}}' and length(term) >= 3
         order by hash limit {TERMS}"
    );
    Ok(stack.psql(&sql)?.lines().map(str::to_owned).collect())
}

struct Client {
    agent: ureq::Agent,
    url: String,
    authorization: String,
}

impl Client {
    fn new(api: &str, token: &str) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { agent, url: format!("{api}/api/v1/users/search"), authorization: format!("Bearer {token}") }
    }

    /// The first page, with its total.
    fn search(&self, kind: &str, term: &str) -> Result<u64> {
        let request = self.agent.get(&self.url).query(kind, term).header("Authorization", &self.authorization);
        let mut response = request.call()?;
        let body: Value = response.body_mut().read_json()?;
        ensure!(response.status() == 200, "a search was answered with {}: {body}", response.status());
        body.get("total").and_then(Value::as_u64).context("the answer has no total")
    }
}

/// Names of syllables, so that parts of them are as frequent as parts of names are.
fn fill(stack: &Stack, users: usize) -> Result<()> {
    const SYLLABLES: &str = "array['ka','lo','mi','ra','ten','sor','bel','din','fa','gu','hem','jo','kri','lan','mor','nes',\
         'ol','per','qui','ros','sta','tur','ul','vin','wes','xan','yor','zel','bra','chi']";
    const ENDS: &str = "array['son','ov','er','ez','man','ski','berg','ini','sen','dottir']";
    const DOMAINS: &str = "array['example.com','mail.example.org','acme.example','corp.example.net','post.example']";
    let syllable = |n: u32| format!("({SYLLABLES})[1 + (hash >> {}) % 30]", 5 * n);
    let (first, last) = (
        format!("{} || {}", syllable(0), syllable(1)),
        format!("{} || {} || ({ENDS})[1 + (hash >> 20) % 10]", syllable(2), syllable(3)),
    );
    for start in (0..users).step_by(BLOCK) {
        let end = (start + BLOCK).min(users) - 1;
        stack.psql(&format!(
            "insert into users (tenant_id, id, email, username, full_name, created_at, updated_at)
             select case when n % 2 = 0 then '{BIG}' else format('00000000-0000-4000-8000-%s', lpad((1 + n / 2 % {others})::text, 12, '0')) end::uuid
                  , format('0199bbbb-0000-7000-8000-%s', lpad(to_hex(n), 12, '0'))::uuid
                  , first || '.' || last || n || '@' || ({DOMAINS})[1 + n % 5]
                  , first || '_' || last || n
                  , initcap(first) || ' ' || initcap(last)
                  , now() - make_interval(secs => n)
                  , now()
             from (
                 select n, {first} as first, {last} as last
                 from (select n, (hashint8(n)::bigint & 2147483647)::int as hash from generate_series({start}, {end}) n) hashed
             ) named",
            others = TENANTS - 1
        ))?;
    }
    Ok(())
}

pub(super) fn json(figures: &Figures) -> Value {
    json!({
        "users": figures.users,
        "indexing_seconds": figures.indexed.as_secs_f64(),
        "index": figures.index_bytes,
        "searches": figures.searches.iter().map(|search| json!({
            "tenant": search.tenant,
            "part_of": search.kind,
            "few_hits": search.few,
            "terms": search.times.len(),
            "hits": search.hits,
            "p50_ms": search.per_mille(500),
            "p99_ms": search.per_mille(990),
        })).collect::<Vec<_>>(),
    })
}

pub(super) fn print(figures: &Figures) {
    let seconds = figures.indexed.as_secs_f64();
    println!("\n{} users were indexed in {seconds:.1} s; the index has {}\n", figures.users, figures.index_bytes);
    println!(
        "{:<12} {:<10} {:>8} {:>9} {:>6} {:>9} {:>9}",
        "tenant", "part of", "hits", "mean hits", "terms", "p50 ms", "p99 ms"
    );
    for search in &figures.searches {
        let terms = u64::try_from(search.times.len()).unwrap_or(u64::MAX);
        println!(
            "{:<12} {:<10} {:>8} {:>9} {:>6} {:>9.1} {:>9.1}",
            search.tenant,
            search.kind,
            if search.few { format!("< {FEW}") } else { format!("≥ {FEW}") },
            search.hits / terms.max(1),
            terms,
            search.per_mille(500),
            search.per_mille(990)
        );
    }
    println!("\nTargets\n");
    for search in figures.searches.iter().filter(|search| search.few) {
        let p99 = search.per_mille(990);
        let name = format!("{}, {}", search.kind, search.tenant);
        line(&name, format!("p99 {p99:.1} ms"), &format!("≤ {MAX_P99_MS:.0} ms"), p99 <= MAX_P99_MS);
    }
}
