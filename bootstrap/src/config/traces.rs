use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::Sampler;
use percent_encoding::percent_decode_str;
use url::Url;

use super::read::Reader;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
const RIGHT_SAMPLER: &str =
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";

/// Which traces are recorded, and where they go. The variables are those of the OpenTelemetry specification.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: a collector that speaks OTLP over gRPC; none: nothing is recorded.
    pub endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what the collector is told with each request.
    pub headers: HeaderMap,
    /// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`: which traces are recorded.
    pub sampler: Sampler,
    /// `OTEL_SERVICE_NAME`; none: named after the program.
    pub service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`: what else is said of this process.
    pub attributes: Vec<KeyValue>,
}

pub(super) fn read(env: &mut Reader) -> TracesConfig {
    let ratio = env.within(RATIO, "a share of traces from 0 to 1", 0.0..=1.0, 1.0);
    let parent_based = |sampler| Sampler::ParentBased(Box::new(sampler));
    let default = parent_based(Sampler::AlwaysOn);
    TracesConfig {
        endpoint: env.choice(ENDPOINT, "a URL such as http://collector:4317", None, |text| endpoint(text).map(Some)),
        headers: env.choice(
            HEADERS,
            "a list of headers such as api-key=secret,x-team=users",
            HeaderMap::new(),
            headers,
        ),
        sampler: env.choice(SAMPLER, RIGHT_SAMPLER, default, |text| match text {
            "always_on" => Some(Sampler::AlwaysOn),
            "always_off" => Some(Sampler::AlwaysOff),
            "traceidratio" => Some(Sampler::TraceIdRatioBased(ratio)),
            "parentbased_always_on" => Some(parent_based(Sampler::AlwaysOn)),
            "parentbased_always_off" => Some(parent_based(Sampler::AlwaysOff)),
            "parentbased_traceidratio" => Some(parent_based(Sampler::TraceIdRatioBased(ratio))),
            _ => None,
        }),
        service_name: env.text("OTEL_SERVICE_NAME"),
        attributes: env.choice(ATTRIBUTES, "a list such as region=eu,team=users", Vec::new(), |text| {
            Some(members(text)?.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect())
        }),
    }
}

fn endpoint(text: &str) -> Option<String> {
    let url: Url = text.parse().ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| text.to_owned())
}

fn headers(text: &str) -> Option<HeaderMap> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    };
    members(text)?.into_iter().map(header).collect()
}

/// Names and values with `=` between them and commas around; values are percent-encoded.
fn members(text: &str) -> Option<Vec<(String, String)>> {
    let member = |item: &str| {
        let (name, value) = item.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.into_owned()))
    };
    text.split(',').filter(|item| !item.trim().is_empty()).map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> (TracesConfig, String) {
        super::super::read::load(variables, read)
    }

    #[test]
    fn nothing_is_recorded_unless_somebody_says_where_it_goes() {
        let (config, wrong) = load(&[]);
        assert_eq!(wrong, "");
        assert!(config.endpoint.is_none() && config.headers.is_empty() && config.attributes.is_empty());
    }

    #[test]
    fn the_variables_of_the_specification_are_read() {
        let (config, wrong) = load(&[
            (ENDPOINT, "https://collector.example.com:4317"),
            (HEADERS, "authorization=Bearer%20a%2Cb, x-team = users"),
            (SAMPLER, "parentbased_traceidratio"),
            (RATIO, "0.25"),
            (ATTRIBUTES, "deployment.environment.name=production,region=eu"),
        ]);
        assert_eq!(wrong, "");
        assert_eq!(config.endpoint.as_deref(), Some("https://collector.example.com:4317"));
        assert_eq!(
            (&config.headers["authorization"], &config.headers["x-team"]),
            (&HeaderValue::from_static("Bearer a,b"), &HeaderValue::from_static("users"))
        );
        assert!(!format!("{config:?}").contains("Bearer"), "{config:?}");
        assert_eq!(format!("{:?}", config.sampler), "ParentBased(TraceIdRatioBased(0.25))");
        assert_eq!(config.attributes[1], KeyValue::new("region", "eu"));
    }

    #[test]
    fn each_wrong_value_is_named() {
        for (name, value) in [
            (ENDPOINT, "otel:4317"),
            (ENDPOINT, "/traces"),
            (HEADERS, "no value"),
            (HEADERS, "a b=c"),
            (SAMPLER, "sometimes"),
            (RATIO, "1.5"),
            (ATTRIBUTES, "=asia"),
        ] {
            let mut env = Reader::new(move |asked| (asked == name).then(|| value.to_owned()));
            let _ = read(&mut env);
            let says = env.finish().unwrap_err().to_string();
            assert!(says.contains(&format!("{name} must be")) && !says.contains(value), "{says}");
        }
    }
}
