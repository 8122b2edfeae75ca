//! The actions of the query protocol: what each request and answer is made of.
//!
//! From the API description in botocore 1.30, `sqs/2012-11-05/service-2.json`. Later ones
//! describe the JSON protocol only.

use self::Shape::{Integer, List, Map, Structure, Text};

/// One action.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) name: &'static str,
    pub(crate) request: &'static [Member],
    /// `None`: the answer has no result.
    pub(crate) answer: Option<&'static [Member]>,
}

/// A member of a structure: its name in JSON and what it is. Text and numbers have the same name
/// in the query protocol, the others have the name of their entries.
pub(crate) type Member = (&'static str, Shape);

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Text. In an answer also what is written like text: a number, `true`.
    Text,
    Integer,
    /// `Entry.1`, `Entry.2` in a form, one element each in XML.
    List(&'static str, &'static Shape),
    /// As a list, whose entries have a key and a value.
    Map(Entries),
    Structure(&'static [Member]),
}

/// The names in the entries of a map, and what their values are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries {
    pub(crate) entry: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: &'static str,
    pub(crate) of: &'static Shape,
}

/// The action with this name.
pub(crate) fn action(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

const fn text(name: &'static str) -> Member {
    (name, Text)
}

const fn integer(name: &'static str) -> Member {
    (name, Integer)
}

const fn texts(name: &'static str, entry: &'static str) -> Member {
    (name, List(entry, &Text))
}

const fn entries(entry: &'static str, of: &'static Shape) -> Member {
    ("Entries", List(entry, of))
}

const fn successful(entry: &'static str, of: &'static Shape) -> Member {
    ("Successful", List(entry, of))
}

const fn map(entry: &'static str, key: &'static str, of: &'static Shape) -> Shape {
    Map(Entries {
        entry,
        key,
        value: "Value",
        of,
    })
}

const QUEUE: Member = text("QueueUrl");
const ATTRIBUTES: Member = ("Attributes", map("Attribute", "Name", &Text));
const TAGS: Member = ("Tags", map("Tag", "Key", &Text));
const NEXT_TOKEN: Member = text("NextToken");
const MAX_RESULTS: Member = integer("MaxResults");
const RECEIPT_HANDLE: Member = text("ReceiptHandle");
const VISIBILITY: Member = integer("VisibilityTimeout");

const ATTRIBUTE_VALUE: Shape = Structure(&[
    text("StringValue"),
    text("BinaryValue"),
    texts("StringListValues", "StringListValue"),
    texts("BinaryListValues", "BinaryListValue"),
    text("DataType"),
]);
const MESSAGE_ATTRIBUTES: Member = (
    "MessageAttributes",
    map("MessageAttribute", "Name", &ATTRIBUTE_VALUE),
);
const SYSTEM_ATTRIBUTES: Member = (
    "MessageSystemAttributes",
    map("MessageSystemAttribute", "Name", &ATTRIBUTE_VALUE),
);

const BODY: Member = text("MessageBody");
const DELAY: Member = integer("DelaySeconds");
const DEDUPLICATION: Member = text("MessageDeduplicationId");
const GROUP: Member = text("MessageGroupId");

const ID: Member = text("Id");
const SENT_ID: Member = text("MessageId");
const SENT_MD5: Member = text("MD5OfMessageBody");
const SENT_MD5_ATTRIBUTES: Member = text("MD5OfMessageAttributes");
const SENT_MD5_SYSTEM: Member = text("MD5OfMessageSystemAttributes");
const SENT_SEQUENCE: Member = text("SequenceNumber");

const FAILED: Member = (
    "Failed",
    List(
        "BatchResultErrorEntry",
        &Structure(&[ID, text("SenderFault"), text("Code"), text("Message")]),
    ),
);
const ID_ONLY: Shape = Structure(&[ID]);

const RECEIVED: Shape = Structure(&[
    SENT_ID,
    RECEIPT_HANDLE,
    text("MD5OfBody"),
    text("Body"),
    ATTRIBUTES,
    SENT_MD5_ATTRIBUTES,
    MESSAGE_ATTRIBUTES,
]);

const MOVE_TASK: Shape = Structure(&[
    text("TaskHandle"),
    text("Status"),
    text("SourceArn"),
    text("DestinationArn"),
    text("MaxNumberOfMessagesPerSecond"),
    text("ApproximateNumberOfMessagesMoved"),
    text("ApproximateNumberOfMessagesToMove"),
    text("FailureReason"),
    text("StartedTimestamp"),
]);

static ACTIONS: [Action; 23] = [
    Action {
        name: "AddPermission",
        request: &[
            QUEUE,
            text("Label"),
            texts("AWSAccountIds", "AWSAccountId"),
            texts("Actions", "ActionName"),
        ],
        answer: None,
    },
    Action {
        name: "CancelMessageMoveTask",
        request: &[text("TaskHandle")],
        answer: Some(&[text("ApproximateNumberOfMessagesMoved")]),
    },
    Action {
        name: "ChangeMessageVisibility",
        request: &[QUEUE, RECEIPT_HANDLE, VISIBILITY],
        answer: None,
    },
    Action {
        name: "ChangeMessageVisibilityBatch",
        request: &[
            QUEUE,
            entries(
                "ChangeMessageVisibilityBatchRequestEntry",
                &Structure(&[ID, RECEIPT_HANDLE, VISIBILITY]),
            ),
        ],
        answer: Some(&[
            successful("ChangeMessageVisibilityBatchResultEntry", &ID_ONLY),
            FAILED,
        ]),
    },
    Action {
        name: "CreateQueue",
        request: &[text("QueueName"), ATTRIBUTES, TAGS],
        answer: Some(&[QUEUE]),
    },
    Action {
        name: "DeleteMessage",
        request: &[QUEUE, RECEIPT_HANDLE],
        answer: None,
    },
    Action {
        name: "DeleteMessageBatch",
        request: &[
            QUEUE,
            entries(
                "DeleteMessageBatchRequestEntry",
                &Structure(&[ID, RECEIPT_HANDLE]),
            ),
        ],
        answer: Some(&[
            successful("DeleteMessageBatchResultEntry", &ID_ONLY),
            FAILED,
        ]),
    },
    Action {
        name: "DeleteQueue",
        request: &[QUEUE],
        answer: None,
    },
    Action {
        name: "GetQueueAttributes",
        request: &[QUEUE, texts("AttributeNames", "AttributeName")],
        answer: Some(&[ATTRIBUTES]),
    },
    Action {
        name: "GetQueueUrl",
        request: &[text("QueueName"), text("QueueOwnerAWSAccountId")],
        answer: Some(&[QUEUE]),
    },
    Action {
        name: "ListDeadLetterSourceQueues",
        request: &[QUEUE, NEXT_TOKEN, MAX_RESULTS],
        answer: Some(&[texts("queueUrls", "QueueUrl"), NEXT_TOKEN]),
    },
    Action {
        name: "ListMessageMoveTasks",
        request: &[text("SourceArn"), MAX_RESULTS],
        answer: Some(&[(
            "Results",
            List("ListMessageMoveTasksResultEntry", &MOVE_TASK),
        )]),
    },
    Action {
        name: "ListQueueTags",
        request: &[QUEUE],
        answer: Some(&[TAGS]),
    },
    Action {
        name: "ListQueues",
        request: &[text("QueueNamePrefix"), NEXT_TOKEN, MAX_RESULTS],
        answer: Some(&[texts("QueueUrls", "QueueUrl"), NEXT_TOKEN]),
    },
    Action {
        name: "PurgeQueue",
        request: &[QUEUE],
        answer: None,
    },
    Action {
        name: "ReceiveMessage",
        request: &[
            QUEUE,
            texts("AttributeNames", "AttributeName"),
            texts("MessageSystemAttributeNames", "MessageSystemAttributeName"),
            texts("MessageAttributeNames", "MessageAttributeName"),
            integer("MaxNumberOfMessages"),
            VISIBILITY,
            integer("WaitTimeSeconds"),
            text("ReceiveRequestAttemptId"),
        ],
        answer: Some(&[("Messages", List("Message", &RECEIVED))]),
    },
    Action {
        name: "RemovePermission",
        request: &[QUEUE, text("Label")],
        answer: None,
    },
    Action {
        name: "SendMessage",
        request: &[
            QUEUE,
            BODY,
            DELAY,
            MESSAGE_ATTRIBUTES,
            SYSTEM_ATTRIBUTES,
            DEDUPLICATION,
            GROUP,
        ],
        answer: Some(&[
            SENT_MD5,
            SENT_MD5_ATTRIBUTES,
            SENT_MD5_SYSTEM,
            SENT_ID,
            SENT_SEQUENCE,
        ]),
    },
    Action {
        name: "SendMessageBatch",
        request: &[
            QUEUE,
            entries(
                "SendMessageBatchRequestEntry",
                &Structure(&[
                    ID,
                    BODY,
                    DELAY,
                    MESSAGE_ATTRIBUTES,
                    SYSTEM_ATTRIBUTES,
                    DEDUPLICATION,
                    GROUP,
                ]),
            ),
        ],
        answer: Some(&[
            successful(
                "SendMessageBatchResultEntry",
                &Structure(&[
                    ID,
                    SENT_ID,
                    SENT_MD5,
                    SENT_MD5_ATTRIBUTES,
                    SENT_MD5_SYSTEM,
                    SENT_SEQUENCE,
                ]),
            ),
            FAILED,
        ]),
    },
    Action {
        name: "SetQueueAttributes",
        request: &[QUEUE, ATTRIBUTES],
        answer: None,
    },
    Action {
        name: "StartMessageMoveTask",
        request: &[
            text("SourceArn"),
            text("DestinationArn"),
            integer("MaxNumberOfMessagesPerSecond"),
        ],
        answer: Some(&[text("TaskHandle")]),
    },
    Action {
        name: "TagQueue",
        request: &[QUEUE, TAGS],
        answer: None,
    },
    Action {
        name: "UntagQueue",
        request: &[QUEUE, texts("TagKeys", "TagKey")],
        answer: None,
    },
];
