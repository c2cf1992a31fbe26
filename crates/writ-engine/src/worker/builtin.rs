//! Writ's own tools: reading knowledge, speaking up, waiting, and ending the run.

use serde_json::{Map, Value as Json, json};
use writ_core::code::{Code, Refusal};
use writ_core::definition::MissionDefinition;

use crate::view::WorkerTool;

/// One of Writ's own tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Query,
    Search,
    Describe,
    Observe,
    Wait,
    Status,
    Conclude,
}

/// An argument of one of Writ's own tools.
struct Argument {
    name: &'static str,
    ty: &'static str,
    required: bool,
    description: &'static str,
}

const fn argument(name: &'static str, ty: &'static str, required: bool, description: &'static str) -> Argument {
    Argument { name, ty, required, description }
}

impl Builtin {
    const ALL: [Self; 7] =
        [Self::Query, Self::Search, Self::Describe, Self::Observe, Self::Wait, Self::Status, Self::Conclude];

    fn name(self) -> &'static str {
        match self {
            Self::Query => "knowledge_query",
            Self::Search => "knowledge_search",
            Self::Describe => "knowledge_describe",
            Self::Observe => "observe",
            Self::Wait => "decision_wait",
            Self::Status => "run_status",
            Self::Conclude => "conclude",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Query => {
                "Reads the mission's tables with one SQL SELECT. Only the mission's own rows and columns exist here. Money comes as text."
            }
            Self::Search => "Searches a collection of the mission's documents by words, best match first.",
            Self::Describe => "Lists the tables, columns and collections that this run can read.",
            Self::Observe => {
                "Tells the people who follow this run what you found or why you do something. It stands in the record as your claim."
            }
            Self::Wait => {
                "Waits until a person has decided and the effect has been carried out, or the time is over. Ask again if it is still pending."
            }
            Self::Status => "Tells where the run stands: limits used, what was proposed, decided and done.",
            Self::Conclude => "Ends the run with its verdict. No decision may be open.",
        }
    }

    fn arguments(self) -> &'static [Argument] {
        const QUERY: &[Argument] = &[
            argument("sql", "string", true, "One SELECT statement. Tables are named source.table."),
            argument("reason", "string", false, "Why you read this."),
        ];
        const SEARCH: &[Argument] = &[
            argument("collection", "string", true, "The collection, as source.collection."),
            argument("text", "string", true, "The words to look for."),
            argument("limit", "integer", false, "How many results at most; 10 where nothing is said."),
        ];
        const OBSERVE: &[Argument] = &[argument("text", "string", true, "What you have to say, in plain words.")];
        const WAIT: &[Argument] = &[
            argument("decision", "string", true, "The decision's id, from the pending result."),
            argument("seconds", "integer", false, "How long to wait at most; 20 where nothing is said, 25 at most."),
        ];
        const CONCLUDE: &[Argument] =
            &[argument("verdict", "object", true, "The verdict, as the mission's schema asks.")];
        match self {
            Self::Query => QUERY,
            Self::Search => SEARCH,
            Self::Describe | Self::Status => &[],
            Self::Observe => OBSERVE,
            Self::Wait => WAIT,
            Self::Conclude => CONCLUDE,
        }
    }

    /// Checks names and types of the arguments.
    pub(super) fn check(self, arguments: &Map<String, Json>) -> Result<Map<String, Json>, Refusal> {
        let bad = |message: String| Refusal::new(Code::BadArguments, message);
        if let Some(unknown) =
            arguments.keys().find(|name| self.arguments().iter().all(|argument| argument.name != *name))
        {
            return Err(bad(format!("`{}` takes no argument `{unknown}`", self.name())));
        }
        for argument in self.arguments() {
            let fits = match arguments.get(argument.name) {
                None => !argument.required,
                Some(value) => match argument.ty {
                    "string" => value.is_string(),
                    "integer" => value.is_u64(),
                    _ => value.is_object(),
                },
            };
            if !fits {
                return Err(bad(format!(
                    "`{}` takes {} `{}`: {}",
                    self.name(),
                    argument.ty,
                    argument.name,
                    argument.description
                )));
            }
        }
        Ok(arguments.clone())
    }

    fn schema(self, mission: &MissionDefinition) -> Map<String, Json> {
        let properties: Map<String, Json> = self
            .arguments()
            .iter()
            .map(|argument| {
                let schema = match (self, argument.name) {
                    (Self::Conclude, "verdict") => mission.verdict.clone(),
                    _ => json!({ "type": argument.ty, "description": argument.description }),
                };
                (argument.name.to_owned(), schema)
            })
            .collect();
        let required: Vec<&str> =
            self.arguments().iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
        let schema =
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
        schema.as_object().cloned().unwrap_or_default()
    }
}

/// Writ's own tool of a name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    Builtin::ALL.into_iter().find(|builtin| builtin.name() == name)
}

/// Writ's own tools, as workers see them.
pub(super) fn tools(mission: &MissionDefinition) -> Vec<WorkerTool> {
    let tool = |builtin: Builtin| WorkerTool {
        name: builtin.name().to_owned(),
        description: builtin.description().to_owned(),
        input_schema: builtin.schema(mission),
        output_schema: None,
        read_only: !matches!(builtin, Builtin::Observe | Builtin::Conclude),
        may_become_task: false,
        more: Map::new(),
    };
    Builtin::ALL.into_iter().map(tool).collect()
}
