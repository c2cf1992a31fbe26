//! The demo's workspace folder: examples/acme, carried in the program.

use std::path::Path;

const FILES: [(&str, &str); 15] = [
    ("writ.yaml", include_str!("../../../../examples/acme/writ.yaml")),
    ("people.yaml", include_str!("../../../../examples/acme/people.yaml")),
    ("sources/shop.yaml", include_str!("../../../../examples/acme/sources/shop.yaml")),
    ("sources/desk.yaml", include_str!("../../../../examples/acme/sources/desk.yaml")),
    ("sources/handbook.yaml", include_str!("../../../../examples/acme/sources/handbook.yaml")),
    ("integrations/shop.yaml", include_str!("../../../../examples/acme/integrations/shop.yaml")),
    ("policy/entitlements.cedar", include_str!("../../../../examples/acme/policy/entitlements.cedar")),
    ("policy/guardrails.cedar", include_str!("../../../../examples/acme/policy/guardrails.cedar")),
    ("policy/approvals.cedar", include_str!("../../../../examples/acme/policy/approvals.cedar")),
    ("missions/refund.yaml", include_str!("../../../../examples/acme/missions/refund.yaml")),
    (
        "missions/refund-verdict.schema.json",
        include_str!("../../../../examples/acme/missions/refund-verdict.schema.json"),
    ),
    (
        "handbook/policies/refunds/returns.md",
        include_str!("../../../../examples/acme/handbook/policies/refunds/returns.md"),
    ),
    (
        "handbook/policies/refunds/cancellations.md",
        include_str!("../../../../examples/acme/handbook/policies/refunds/cancellations.md"),
    ),
    (
        "handbook/policies/orders/shipping.md",
        include_str!("../../../../examples/acme/handbook/policies/orders/shipping.md"),
    ),
    ("data/.gitignore", "*\n"),
];

/// Writes the folder, which must not exist yet.
pub(super) fn write(folder: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: &std::io::Error| format!("`{}`: {error}", path.display());
    std::fs::create_dir(folder).map_err(|error| failed(folder, &error))?;
    for (file, text) in FILES {
        let path = folder.join(file);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(&path, &error))?;
        }
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}
