//! Templates as they are sent: as they are written, without a space too many
//! where that is too long, and from a bucket where even that is.

use super::Progress;
use super::run::Run;
use crate::aws::{CloudError, Template};
use crate::plan::StepId;
use crate::stack::{LONGEST_KEPT_TEMPLATE, LONGEST_TEMPLATE, RenderedStack};

impl Run {
    /// The template as CloudFormation is given it. One that is too long for a
    /// request is put into the bucket, where there is one.
    pub(super) async fn template<'a>(
        &self,
        stack: &'a RenderedStack,
    ) -> Result<Template<'a>, CloudError> {
        let text = stack.template.as_str();
        if text.len() <= LONGEST_TEMPLATE {
            return Ok(Template::Body(text.into()));
        }
        let short = stack.minified();
        let bucket = self.work.terms.bucket.as_ref();
        let Some(bucket) = bucket.filter(|_| short.len() > LONGEST_TEMPLATE) else {
            return Ok(Template::Body(short.into()));
        };
        // People may want to read it there.
        let kept = if text.len() <= LONGEST_KEPT_TEMPLATE {
            text
        } else {
            short.as_str()
        };
        let keep = || self.cloud.keep_template(bucket, kept);
        let kept = self.cloud.patiently(keep).await?;
        let step = StepId::Stack(stack.name.clone());
        self.tell(
            &step,
            Progress::TemplateKept {
                url: kept.url.clone(),
                uploaded: kept.uploaded,
            },
        );
        Ok(Template::Url(kept.url))
    }
}
