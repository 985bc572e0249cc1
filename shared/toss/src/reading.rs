//! Reads members of foreign JSON without trusting any of them.

use domain::time::Time;
use serde_json::{Map, Value};

pub(crate) type Object = Map<String, Value>;

/// A member that must be there as text of 1 to `longest` bytes.
pub(crate) fn text(object: &Object, name: &str, longest: usize) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    (1..=longest).contains(&text.len()).then(|| text.to_owned())
}

/// A whole amount. Toss writes JSON numbers: `1000.0` is taken as 1000, a fraction is nothing.
pub(crate) fn amount(object: &Object, name: &str) -> Option<i64> {
    /// Beyond this a double cannot tell neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = object.get(name)?.as_number()?;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() < EXACT)?;
    format!("{double:.0}").parse().ok()
}

/// An instant with its offset; anything else counts as absent.
pub(crate) fn time(object: &Object, name: &str) -> Option<Time> {
    object.get(name)?.as_str()?.parse().ok()
}

/// An instant that Toss may write without an offset: it is Korea's then, nine hours ahead all year.
pub(crate) fn korean_time(object: &Object, name: &str) -> Option<Time> {
    let text = object.get(name)?.as_str()?;
    text.parse().or_else(|_no_offset| format!("{text}+09:00").parse()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_whole() {
        let read = |value: Value| amount(json!({ "a": value }).as_object().unwrap(), "a");
        assert_eq!(read(json!(1000)), Some(1000));
        assert_eq!(read(json!(1000.0)), Some(1000));
        assert_eq!(read(json!(-1000.0)), Some(-1000));
        assert_eq!(read(json!(1e3)), Some(1000));
        assert_eq!(read(json!(-0.0)), Some(0));
        for bad in [json!(1000.5), json!("1000"), json!(null), json!(1e300), json!(u64::MAX), json!([1]), json!(true)] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
