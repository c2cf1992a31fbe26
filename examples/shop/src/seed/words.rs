//! The names, places and goods that the bundled shop is drawn from.
//!
//! All of it is invented; addresses for e-mail are made under `example.com`, which is kept free for such use.

/// A kind of goods: its least price in cents, and two options whose values are combined into variants.
pub(super) struct Goods {
    pub(super) name: &'static str,
    pub(super) price: i64,
    pub(super) options: (&'static str, &'static [&'static str]),
    pub(super) more_options: (&'static str, &'static [&'static str]),
}

pub(super) const GOODS: &[Goods] = &[
    Goods {
        name: "Wool Sweater",
        price: 7_900,
        options: ("color", &["charcoal", "cream", "forest"]),
        more_options: ("size", &["S", "M", "L"]),
    },
    Goods {
        name: "Walking Boots",
        price: 13_900,
        options: ("size", &["7", "8", "9", "10"]),
        more_options: ("sole", &["soft", "stiff"]),
    },
    Goods {
        name: "Canvas Backpack",
        price: 6_450,
        options: ("color", &["sand", "black"]),
        more_options: ("volume", &["18 l", "26 l", "34 l"]),
    },
    Goods {
        name: "Enamel Mug",
        price: 1_290,
        options: ("color", &["white", "blue", "red"]),
        more_options: ("volume", &["300 ml", "450 ml"]),
    },
    Goods {
        name: "Reading Lamp",
        price: 5_480,
        options: ("base", &["clamp", "stand"]),
        more_options: ("shade", &["brass", "white", "green"]),
    },
    Goods {
        name: "Linen Shirt",
        price: 4_990,
        options: ("color", &["white", "sky", "stone"]),
        more_options: ("size", &["S", "M", "L", "XL"]),
    },
    Goods {
        name: "Camping Stove",
        price: 8_725,
        options: ("fuel", &["gas", "spirit"]),
        more_options: ("burners", &["1", "2"]),
    },
    Goods {
        name: "Travel Blanket",
        price: 3_675,
        options: ("pattern", &["plain", "check"]),
        more_options: ("color", &["grey", "rust", "navy"]),
    },
    Goods {
        name: "Bicycle Light",
        price: 2_340,
        options: ("mount", &["front", "rear"]),
        more_options: ("charging", &["cable", "dynamo"]),
    },
    Goods {
        name: "Kitchen Scale",
        price: 3_120,
        options: ("surface", &["glass", "steel"]),
        more_options: ("capacity", &["5 kg", "10 kg"]),
    },
    Goods {
        name: "Folding Chair",
        price: 6_890,
        options: ("frame", &["ash", "aluminium"]),
        more_options: ("seat", &["olive", "natural"]),
    },
];

pub(super) const FIRST_NAMES: &[&str] = &[
    "Ada", "Bruno", "Carmen", "Dmitri", "Esme", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Keiko", "Lorenz", "Mina",
    "Nils", "Odile", "Pavel", "Quinn", "Rosa", "Samir", "Tilda", "Umberto", "Vera", "Wanda", "Xenia", "Yannick",
    "Zora", "Anselm", "Bettina", "Cyrus", "Dorothea", "Emil", "Fatou", "Gustav", "Helena", "Igor", "Juno", "Karim",
    "Lotte",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "Abbott",
    "Birch",
    "Castellano",
    "Drummond",
    "Egede",
    "Fontaine",
    "Gruber",
    "Hartley",
    "Ibsen",
    "Jankowski",
    "Kessler",
    "Lindqvist",
    "Marchetti",
    "Novak",
    "Okafor",
    "Petrov",
    "Quist",
    "Rahimi",
    "Sandoval",
    "Takeda",
    "Underwood",
    "Vasquez",
    "Whitlock",
    "Yamamoto",
    "Zielinski",
];

pub(super) const STREETS: &[&str] = &[
    "Alder Lane",
    "Beacon Road",
    "Cooper Street",
    "Dock Street",
    "Elm Terrace",
    "Foundry Row",
    "Garden Court",
    "Harbor Way",
    "Juniper Avenue",
    "Kiln Street",
    "Linden Drive",
    "Mill Road",
];

/// City, state, and the first three digits of its zip codes.
pub(super) const CITIES: &[(&str, &str, &str)] = &[
    ("Portland", "OR", "972"),
    ("Denver", "CO", "802"),
    ("Austin", "TX", "787"),
    ("Chicago", "IL", "606"),
    ("Boston", "MA", "021"),
    ("Seattle", "WA", "981"),
    ("Atlanta", "GA", "303"),
    ("Phoenix", "AZ", "850"),
];

pub(super) const BRANDS: &[&str] = &["visa", "mastercard"];
