//! Where the statuses of all stacks are read from.

use crate::aws::{Cloud, CloudError, Stack, StackPage, StackStatus, UnderWay};

/// How one call tells most. What the account's size or the caller's permissions
/// do not allow is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// The account's stacks fit one page.
    All,
    /// They do not, but those that something is being done to do.
    UnderWay,
    /// One stack after the other.
    Single,
}

/// What one call told.
#[derive(Debug)]
pub(super) enum Look {
    All(StackPage),
    UnderWay(UnderWay),
    Single {
        id: String,
        stack: Option<Box<Stack>>,
    },
    Nothing,
}

/// What a look says of one stack.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Status(StackStatus, Option<String>),
    /// It is not in the account.
    Absent,
    /// Nothing is being done to it.
    Idle,
    Unknown,
}

// === impl Listing ===

impl Listing {
    /// Makes one call. `one` is read where single stacks are.
    pub(super) async fn look(&self, cloud: &Cloud, one: &str) -> Result<Look, CloudError> {
        match self {
            Self::All => cloud.stack_page().await.map(Look::All),
            Self::UnderWay => cloud.stacks_under_way().await.map(Look::UnderWay),
            Self::Single => single(cloud, one).await,
        }
    }

    /// Goes over to the next way where this one does not do.
    pub(super) fn learn<'a>(
        &mut self,
        look: Result<Look, CloudError>,
        mut wanted: impl Iterator<Item = &'a str>,
    ) -> Result<Look, CloudError> {
        let does = match &look {
            Ok(Look::All(page)) => {
                page.is_all || wanted.all(|id| page.stacks.iter().any(|stack| stack.id == id))
            }
            Ok(Look::UnderWay(under_way)) => under_way.is_all,
            Ok(Look::Single { .. } | Look::Nothing) => true,
            Err(error) => *self == Self::Single || !is_refusal(error),
        };
        if does {
            return look;
        }
        *self = match self {
            Self::All => Self::UnderWay,
            Self::UnderWay | Self::Single => Self::Single,
        };
        Ok(look.unwrap_or(Look::Nothing))
    }
}

/// Reads one stack.
pub(super) async fn single(cloud: &Cloud, id: &str) -> Result<Look, CloudError> {
    let stack = cloud.stack(id).await?.map(Box::new);
    let id = id.to_owned();
    Ok(Look::Single { id, stack })
}

fn is_refusal(error: &CloudError) -> bool {
    matches!(
        error,
        CloudError::AccessDenied { .. } | CloudError::Refused { .. }
    ) && !error.is_transient()
}

// === impl Look ===

impl Look {
    /// The stack of this ARN, where it tells all of it.
    pub(super) fn stack(&self, wanted: &str) -> Option<&Stack> {
        match self {
            Self::All(page) => page.stacks.iter().find(|stack| stack.id == wanted),
            Self::Single { id, stack } if id == wanted => stack.as_deref(),
            Self::Single { .. } | Self::UnderWay(_) | Self::Nothing => None,
        }
    }

    /// What it says of the stack of this ARN.
    pub(super) fn of(&self, wanted: &str) -> Seen {
        let status =
            |stack: &Stack| Seen::Status(stack.status.clone(), stack.status_reason.clone());
        match self {
            Self::All(page) => match self.stack(wanted) {
                Some(stack) => status(stack),
                None if page.is_all => Seen::Absent,
                None => Seen::Unknown,
            },
            Self::UnderWay(under_way) => match under_way.stacks.get(wanted) {
                Some(busy) => Seen::Status(busy.clone(), None),
                None if under_way.is_all => Seen::Idle,
                None => Seen::Unknown,
            },
            Self::Single { id, stack } if id == wanted => {
                stack.as_deref().map_or(Seen::Absent, status)
            }
            Self::Single { .. } | Self::Nothing => Seen::Unknown,
        }
    }
}
