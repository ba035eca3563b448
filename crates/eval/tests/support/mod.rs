//! What every page keeps to.

const VOID: [&str; 2] = ["meta", "br"];

/// Checks that every tag is closed in order, that attributes hold no markup, and that no number is missing.
pub(crate) fn check(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.len() < 400_000, "{} bytes", page.len());
    for word in ["NaN", "inf,", "inf\"", "http", "src=", "url(", "@import", "Infinity"] {
        assert!(!page.contains(word), "the page contains {word}");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        assert!(!tag.contains('<'), "{tag}");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        rest = &rest[end + 1..];
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !(tag.starts_with('!') || tag.ends_with('/') || VOID.contains(&name)) {
            open.push(name);
            if name == "script" || name == "style" {
                rest = &rest[rest.find(&format!("</{name}>")).expect("it is closed")..];
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(page.matches("<script").count(), 1);
    check_points(page);
}

/// Every drawn point lies within the chart.
fn check_points(page: &str) {
    for line in page.split("points=\"").skip(1) {
        let points = line.split('"').next().unwrap().split(' ').filter(|p| !p.is_empty());
        let mut count = 0;
        for point in points {
            let (x, y) = point.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((0.0..=520.0).contains(&x) && (0.0..=350.0).contains(&y), "{point}");
            count += 1;
        }
        assert!((1..=200).contains(&count), "{count} points");
    }
}
