//! The headers of a delivery, under one name for both products.

/// What the headers of a delivery say. Header names are compared without regard to case, as HTTP demands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryHeaders {
    /// The event's name: `repo:push`, `pr:opened`. Empty where there is none, which neither product sends.
    pub event_key: String,
    /// The delivery's id, the same on each resend: what duplicates are recognised by.
    pub request_id: Option<String>,
    /// 1 for the first attempt; only Cloud resends.
    pub attempt_number: Option<u32>,
    /// The webhook's UUID, in lower case and without braces; only Cloud says.
    pub hook_id: Option<String>,
    /// The signature, `sha256=` and hexadecimal digits.
    pub signature: Option<String>,
}

impl DeliveryHeaders {
    /// Reads the headers through `get`, which answers a header's text by its lower-case name.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name: &str| {
            get(name)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(|text| text.chars().take(200).collect::<String>())
        };
        Self {
            event_key: text("x-event-key").unwrap_or_default(),
            // Cloud's name, then Data Center's.
            request_id: text("x-request-uuid")
                .or_else(|| text("x-request-id"))
                .map(|id| bare(&id)),
            attempt_number: text("x-attempt-number").and_then(|number| number.parse().ok()),
            hook_id: text("x-hook-uuid").map(|id| bare(&id)),
            signature: text("x-hub-signature"),
        }
    }
}

/// UUIDs come bare or in braces.
fn bare(id: &str) -> String {
    id.trim_matches(['{', '}']).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::DeliveryHeaders;

    fn read(headers: &[(&str, &'static str)]) -> DeliveryHeaders {
        let headers = headers.to_vec();
        DeliveryHeaders::read(|name| {
            headers
                .iter()
                .find(|(have, _)| have.eq_ignore_ascii_case(name))
                .map(|(_, value)| *value)
        })
    }

    #[test]
    fn both_products_are_read() {
        let cloud = read(&[
            ("X-Event-Key", "repo:push"),
            ("X-Hook-UUID", "{7D4F5DC4-3c5f-4f6a-9f7b-5c2f2a7f2d11}"),
            ("X-Request-UUID", "0c6f4d55-9d5a-4b0e-9f0d-6a4b2f6f8f10"),
            ("X-Attempt-Number", "2"),
        ]);
        assert_eq!(
            cloud.hook_id.as_deref(),
            Some("7d4f5dc4-3c5f-4f6a-9f7b-5c2f2a7f2d11")
        );
        assert_eq!(
            cloud.request_id.as_deref(),
            Some("0c6f4d55-9d5a-4b0e-9f0d-6a4b2f6f8f10")
        );
        assert_eq!(cloud.attempt_number, Some(2));
        let server = read(&[
            ("X-Event-Key", "diagnostics:ping"),
            ("X-Request-Id", "abc"),
            ("X-Attempt-Number", "x"),
        ]);
        assert_eq!(
            (server.request_id.as_deref(), server.attempt_number),
            (Some("abc"), None)
        );
        assert_eq!(read(&[]), DeliveryHeaders::default());
    }
}
