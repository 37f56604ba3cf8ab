//! Boxed formats.

use alloc::boxed::Box;

use super::{
    Accepted, Format, ListParameters, Message, NextPage, Refusal, ReportedRefusal, RequiredPart,
};
use crate::document::{DocumentError, ListDocument, TaskDocument};
use crate::link::Links;
use crate::store::Page;
use crate::task::Task;

/// Forwards each call, so that a program can choose its format while it runs.
impl Format for Box<dyn Format> {
    fn accepted(&self, links: &Links, task: &Task) -> Message {
        (**self).accepted(links, task)
    }

    fn polled(&self, links: &Links, task: &Task) -> Message {
        (**self).polled(links, task)
    }

    fn result(&self, links: &Links, task: &Task) -> Option<Message> {
        (**self).result(links, task)
    }

    fn list(&self, links: &Links, page: &Page, next: Option<&NextPage>) -> Message {
        (**self).list(links, page, next)
    }

    fn refused(&self, refusal: &Refusal<'_>) -> Message {
        (**self).refused(refusal)
    }

    fn list_parameters(&self) -> ListParameters {
        (**self).list_parameters()
    }

    fn required(&self) -> &'static [RequiredPart] {
        (**self).required()
    }

    fn is_task(&self, json: &[u8]) -> bool {
        (**self).is_task(json)
    }

    fn is_list(&self, json: &[u8]) -> bool {
        (**self).is_list(json)
    }

    fn read_accepted(
        &self,
        header: &dyn Fn(&str) -> Option<Box<str>>,
        body: &[u8],
    ) -> Result<Accepted, DocumentError> {
        (**self).read_accepted(header, body)
    }

    fn has_result_at_location(&self) -> bool {
        (**self).has_result_at_location()
    }

    fn read_task(&self, json: &[u8]) -> Result<TaskDocument, DocumentError> {
        (**self).read_task(json)
    }

    fn read_list(&self, json: &[u8]) -> Result<ListDocument, DocumentError> {
        (**self).read_list(json)
    }

    fn read_refusal(&self, json: &[u8]) -> Result<ReportedRefusal, DocumentError> {
        (**self).read_refusal(json)
    }
}
