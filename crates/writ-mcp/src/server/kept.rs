//! Answers that a session has asked for as tasks and that were there at once.
//!
//! A client of revision 2025-11-25 that asks for a task gets one, also where the answer needs no waiting: a read, for
//! instance. Such an answer is kept here until the client fetches it, for this session alone and within a limit. It
//! is the one kind of task that is not in the store: the call itself has ended and is on record.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rmcp::model::JsonObject;
use writ_core::event::Milliseconds;
use writ_engine::view::{TaskStatus, TaskView};

const ANSWERS_MAX: usize = 16;
const BYTES_MAX: usize = 1024 * 1024;
const POLL_MILLISECONDS: u64 = 1_000;

/// One session's answers.
#[derive(Default)]
pub(super) struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    bytes: usize,
    answers: VecDeque<Answer>,
}

struct Answer {
    view: TaskView,
    bytes: usize,
}

impl Kept {
    /// Keeps an answer and gives its task, or gives the answer back where it is too large. The oldest ones go first.
    pub(super) fn keep(&self, result: JsonObject, now: Milliseconds) -> Result<TaskView, JsonObject> {
        let bytes = serde_json::to_vec(&result).map_or(usize::MAX, |text| text.len());
        if bytes > BYTES_MAX {
            return Err(result);
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while state.answers.len() >= ANSWERS_MAX || state.bytes.saturating_add(bytes) > BYTES_MAX {
            let Some(oldest) = state.answers.pop_front() else { break };
            state.bytes = state.bytes.saturating_sub(oldest.bytes);
        }
        let view = TaskView {
            task: format!("answer-{}", state.next),
            status: TaskStatus::Completed,
            created_at: now,
            updated_at: now,
            poll_milliseconds: POLL_MILLISECONDS,
            result: Some(result),
            ..TaskView::default()
        };
        state.next = state.next.wrapping_add(1);
        state.bytes = state.bytes.saturating_add(bytes);
        state.answers.push_back(Answer { view: view.clone(), bytes });
        Ok(view)
    }

    pub(super) fn find(&self, task: &str) -> Option<TaskView> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.answers.iter().find(|answer| answer.view.task == task).map(|answer| answer.view.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(length: usize) -> JsonObject {
        JsonObject::from_iter([("text".to_owned(), json!("x".repeat(length)))])
    }

    #[test]
    fn an_answer_is_found_by_its_task_until_others_push_it_out() {
        let kept = Kept::default();
        let first = kept.keep(answer(1), 7).unwrap();
        assert_eq!(kept.find(&first.task).unwrap().result, Some(answer(1)));
        assert!(kept.find("answer-99").is_none());
        for _ in 0..ANSWERS_MAX {
            kept.keep(answer(1), 8).unwrap();
        }
        assert!(kept.find(&first.task).is_none());
    }

    #[test]
    fn large_answers_push_out_others_and_too_large_ones_are_not_kept() {
        let kept = Kept::default();
        let first = kept.keep(answer(BYTES_MAX / 2), 1).unwrap();
        let second = kept.keep(answer(BYTES_MAX / 2 + 1_000), 2).unwrap();
        assert!(kept.find(&first.task).is_none() && kept.find(&second.task).is_some());
        assert_eq!(kept.keep(answer(BYTES_MAX), 3).unwrap_err().len(), 1);
        assert!(kept.find(&second.task).is_some());
    }
}
