"""Checks of the expanded template that no linter does. Each yields its complaints."""

import re

import lasting

# LINE's limits for one channel over all machines, in requests a second.
# https://developers.line.biz/en/reference/messaging-api/#rate-limits
LINE_LIMITS = {"LINE_PUSH_LIMIT": 2000, "LINE_MULTICAST_LIMIT": 200}

# What Lambda's documentation advises for a queue that triggers a function.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
MIN_RECEIVES = 5

# The bookkeeper's own name. Its alarms can't take it from the function: docs/control.md.
BOOKKEEPER = "${AWS::StackName}-bookkeeper"


def of_type(template, kind):
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def choices(template, value):
    """Every value that a property can take. Of a number without a list: its bounds and default."""
    if isinstance(value, dict) and "Ref" in value:
        parameter = template["Parameters"][value["Ref"]]
        return parameter.get("AllowedValues") or [
            parameter["MinValue"],
            parameter["Default"],
            parameter["MaxValue"],
        ]
    return [value]


def holds(condition, values):
    """Whether a condition of the `Rules` section is true with these parameters."""
    ((function, given),) = condition.items()
    if function == "Fn::Equals":
        return resolve(given[0], values) == resolve(given[1], values)
    if function == "Fn::EachMemberEquals":
        members = resolve(given[0], values).split(",")
        return all(member == resolve(given[1], values) for member in members)
    if function == "Fn::Not":
        return not holds(given[0], values)
    if function == "Fn::Or":
        return any(holds(one, values) for one in given)
    raise ValueError(f"rules can't use {function}")


def resolve(value, values):
    return str(values[value["Ref"]]) if isinstance(value, dict) else value


def allowed(template, given):
    """Whether the `Rules` section accepts these parameters. All others have their defaults."""
    parameters = template["Parameters"].items()
    values = {name: parameter.get("Default", "") for name, parameter in parameters} | given
    return all(
        holds(assertion["Assert"], values)
        for rule in template["Rules"].values()
        if "RuleCondition" not in rule or holds(rule["RuleCondition"], values)
        for assertion in rule["Assertions"]
    )


def target(value):
    """The resource that a `Ref` or `GetAtt` names, or a name of our own."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        return target(value["Fn::If"][1])
    name = value.get("Ref") or value.get("Fn::Sub") or value["Fn::GetAtt"][0]
    return name if isinstance(name, str) else name[0]


def mappings(template):
    """Each event source mapping with its function and its queue."""
    functions = of_type(template, "AWS::Lambda::Function")
    queues = of_type(template, "AWS::SQS::Queue")
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping").items():
        called = target(mapping["FunctionName"])
        if called not in functions:
            called = target(of_type(template, "AWS::Lambda::Alias")[called]["FunctionName"])
        function = functions[called]
        yield name, mapping, function, queues[target(mapping["EventSourceArn"])]


def partial_batch_responses(template):
    """Without the flag Lambda deletes the records that the function reports as failed.

    A batch of one needs no flag: it fails or succeeds as a whole.
    """
    for name, mapping, _, _ in mappings(template):
        types = mapping.get("FunctionResponseTypes")
        if mapping["BatchSize"] > 1 and types != ["ReportBatchItemFailures"]:
            yield f"{name}: Lambda would delete the failed records"


def batches(template):
    for name, mapping, _, _ in mappings(template):
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if mapping["BatchSize"] > 10 and window < 1:
            yield f"{name}: a batch of more than ten needs a batching window"
        if "MaximumConcurrency" not in mapping.get("ScalingConfig", {}):
            yield f"{name}: nothing limits its concurrency"
        elif min(choices(template, mapping["ScalingConfig"]["MaximumConcurrency"])) < 2:
            yield f"{name}: MaximumConcurrency is at least 2"
        if "Enabled" in mapping:
            yield f"{name}: a deployment could end a pause"
        if "ProvisionedPollerConfig" in mapping:
            yield f"{name}: provisioned pollers and MaximumConcurrency exclude each other"


def visibility(template):
    """A queue hides a message long enough for the function that it triggers."""
    for name, mapping, function, queue in mappings(template):
        timeout, hidden = function["Timeout"], queue["VisibilityTimeout"]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        needed = VISIBILITY_PER_TIMEOUT * timeout + window
        if hidden < needed:
            yield f"{name}: a timeout of {timeout} s needs {needed} s of visibility, not {hidden} s"


def pace(template):
    """The consumer divides LINE's limits by the number of environments that can run."""
    mapping = of_type(template, "AWS::Lambda::EventSourceMapping")["ConsumerDeliveries"]
    settings = of_type(template, "AWS::Lambda::Function")["Consumer"]["Environment"]["Variables"]
    concurrency = mapping["ScalingConfig"].get("MaximumConcurrency")
    if settings.get("ENVIRONMENTS") != concurrency:
        yield "Consumer: ENVIRONMENTS is not the mapping's concurrency"
        return
    urgent = of_type(template, "AWS::Lambda::EventSourceMapping")["ConsumerUrgentDeliveries"]
    of_both = {"Fn::If": ["HasUrgent", urgent["ScalingConfig"]["MaximumConcurrency"], ""]}
    if settings.get("URGENT_ENVIRONMENTS") != of_both:
        yield "Consumer: URGENT_ENVIRONMENTS is not the urgent mapping's concurrency"
    for name, limit in LINE_LIMITS.items():
        parameter = template["Parameters"][settings[name]["Ref"]]
        if parameter["Default"] != limit:
            yield f"Consumer: {name} is {parameter['Default']}, but LINE takes {limit}"
        most = [
            choices(template, one["ScalingConfig"]["MaximumConcurrency"])
            for one in (mapping, urgent)
        ]
        if sum(max(one) for one in most) > limit:
            yield f"Consumer: more environments than {name} can't send one request a second each"


def dead_letters(template):
    queues = of_type(template, "AWS::SQS::Queue")
    for name, queue in queues.items():
        redrive = queue.get("RedrivePolicy")
        if redrive is None:
            continue
        letters = queues[target(redrive["deadLetterTargetArn"])]
        if redrive["maxReceiveCount"] < MIN_RECEIVES:
            yield f"{name}: a delivery is tried at least {MIN_RECEIVES} times"
        # SQS counts a dead letter's retention from when the message was first sent.
        if queue["MessageRetentionPeriod"] >= letters["MessageRetentionPeriod"]:
            yield f"{name}: SQS may drop its dead letters as early as its messages"
        sources = letters["RedriveAllowPolicy"]["sourceQueueArns"]
        sources = [one["Fn::If"][1] if "Fn::If" in one else one for one in sources]
        if arn_of(queue["QueueName"]) not in sources:
            yield f"{name}: its dead-letter queue does not accept it as a source"
        if queue.get("FifoQueue") != letters.get("FifoQueue"):
            yield f"{name}: a FIFO queue needs a FIFO dead-letter queue"
    receives = queues["DeliveryQueue"]["RedrivePolicy"]["maxReceiveCount"]
    consumer = of_type(template, "AWS::Lambda::Function")["Consumer"]
    if consumer["Environment"]["Variables"]["MAX_RECEIVE_COUNT"] != str(receives):
        yield "Consumer: MAX_RECEIVE_COUNT is not the queue's number"


def arn_of(queue_name):
    """The ARN of a queue whose name is a `Sub` with variables of its own."""
    if not isinstance(queue_name, dict):
        return None
    text, variables = queue_name["Fn::Sub"]
    prefix = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
    return {"Fn::Sub": [prefix + text, variables]}


def statements(value):
    """Every policy statement below a value, with the conditions that it depends on."""

    def walk(value, under):
        if isinstance(value, list):
            for one in value:
                yield from walk(one, under)
        elif isinstance(value, dict):
            if "Effect" in value:
                yield value, under
            for name, one in value.items():
                if name == "Fn::If":
                    yield from walk(one[1], [*under, one[0]])
                    yield from walk(one[2], under)
                else:
                    yield from walk(one, under)

    yield from walk(value, [])


def seals(condition):
    """Whether a condition allows a key for the data keys of deliveries alone."""
    context = "kms:EncryptionContext:fanline-"
    return all(f"{context}{name}': 'false'" in condition for name in ("run", "slice")) and (
        "'kms:EncryptionContextKeys': ['fanline-run', 'fanline-slice']" in condition
    )


def as_list(value):
    return value if isinstance(value, list) else [value]


def permissions(template):
    """Each role allows only named actions on named resources."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: a managed policy allows more than we use"
        for statement, under in statements(role.get("Policies", [])):
            actions = as_list(statement["Action"])
            if any("*" in action for action in actions):
                yield f"{name}: {statement['Sid']} allows actions by a pattern"
            traces = under == ["Traced"] and all(action.startswith("xray:") for action in actions)
            if "*" in as_list(statement["Resource"]) and not traces:
                yield f"{name}: {statement['Sid']} is for every resource"
            keys = all(action.startswith("kms:") for action in actions)
            condition = str(statement.get("Condition"))
            # Data keys of deliveries, or through a service that encrypts with the key.
            if keys and not ("kms:ViaService" in condition or seals(condition)):
                yield f"{name}: {statement['Sid']} decrypts outside of a service"
            limited = "s3:prefix" in str(statement.get("Condition"))
            if "s3:ListBucket" in actions and not limited:
                yield f"{name}: {statement['Sid']} lists a shared bucket as a whole"
    consumer = of_type(template, "AWS::IAM::Role")["ConsumerRole"]
    if "ListsPrefix" in str(consumer["Policies"]):
        yield "ConsumerRole: it talks to the internet, and may read the lists"
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if target(function["Role"]) not in of_type(template, "AWS::IAM::Role"):
            yield f"{name}: it has no role of its own"


def plain_http(template):
    """Each queue and bucket refuses requests without TLS."""
    guarded = set()
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for policy in of_type(template, kind).values():
            for statement, under in statements(policy["PolicyDocument"]):
                denies = (
                    statement["Effect"] == "Deny"
                    and statement["Principal"] == "*"
                    and statement["Action"] in ("sqs:*", "s3:*")
                    and statement.get("Condition") == {"Bool": {"aws:SecureTransport": False}}
                    and not under
                )
                if denies:
                    guarded |= {target(one) for one in policy.get("Queues", [policy.get("Bucket")])}
    for name in [*of_type(template, "AWS::SQS::Queue"), *of_type(template, "AWS::S3::Bucket")]:
        if name not in guarded:
            yield f"{name}: it accepts plain HTTP"


def encryption(template):
    own_key = {"Fn::If": ["OwnKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    sqs_key = {"Fn::If": ["OwnKey", {"Ref": "AWS::NoValue"}, True]}
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        if queue.get("KmsMasterKeyId") != own_key or queue.get("SqsManagedSseEnabled") != sqs_key:
            yield f"{name}: exactly one key must encrypt it, SQS's or the customer's"


def schedules(template):
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        # The tick is always on, and not among the campaigns.
        called = target(schedule.get("Target", {}).get("Arn", {"Ref": "Producer"}))
        if called != "Bookkeeper" or "GroupName" in schedule:
            yield f"{name}: a deployment could switch it on or off"
    role = of_type(template, "AWS::IAM::Role")["ScheduleRole"]["AssumeRolePolicyDocument"]
    if "aws:SourceArn" not in str(role):
        yield "ScheduleRole: a schedule of another group can use it"
    for name, config in of_type(template, "AWS::Lambda::EventInvokeConfig").items():
        # After a tick that failed comes the next one.
        kept = "OnFailure" in config.get("DestinationConfig", {}) or (
            target(config["FunctionName"]) == "Bookkeeper"
        )
        # With an outbox the event of a crash comes again, and its run's record makes it the same.
        retries = config.get("MaximumRetryAttempts")
        with_outbox = {"Fn::If": ["HasOutbox", 2, 0]}
        is_safe = retries == 0 or (
            target(config["FunctionName"]) == "Producer" and retries == with_outbox
        )
        if not is_safe or not kept:
            yield f"{name}: Lambda would run a failed producer again from the first row"


def logs(template):
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        group = groups.get(logging.get("LogGroup", {}).get("Ref"), {})
        if "RetentionInDays" not in group or logging.get("LogFormat") != "JSON":
            yield f"{name}: its logs must be JSON and must expire"


def alarms(template):
    actions = [
        {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]},
        {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "AWS::NoValue"}]},
    ]
    visible, sent = set(), set()
    bookkeepers = {BOOKKEEPER} & {
        target(function.get("FunctionName", {"Ref": name}))
        for name, function in of_type(template, "AWS::Lambda::Function").items()
    }
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        if alarm.get("AlarmActions") != actions or alarm.get("OKActions") != actions:
            yield f"{name}: it notifies nobody"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name}: an idle queue would start it"
        watched = {target(one["Value"]) for one in alarm.get("Dimensions", [])}
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            visible |= watched
        if alarm.get("MetricName") == "NumberOfMessagesSent":
            sent |= watched
        # What the consumer can't open names no channel.
        no_channel = {"Consumer", "none"}
        if alarm.get("Namespace") == "fanline" and watched not in (bookkeepers, no_channel):
            yield f"{name}: it watches one channel of two, or a function that is not there"
        yield from math(name, alarm.get("Metrics", []))
    for name in of_type(template, "AWS::SQS::Queue"):
        if re.search("DeadLetter|Failure", name) and name not in visible:
            yield f"{name}: no alarm watches it"
    if sent - visible:
        yield f"{sent - visible}: SQS does not count a message that it moves as sent"


def math(name, metrics):
    """An alarm by an expression uses each metric that it reads, of both channels."""
    read = {}
    for metric in metrics:
        if "MetricStat" in metric:
            stat = metric["MetricStat"]["Metric"]
            channel = stat["Dimensions"][1]["Value"]
            read.setdefault(stat["MetricName"], set()).add(channel)
            if f"FILL({metric['Id']}, 0)" not in metrics[0]["Expression"]:
                yield f"{name}: it does not use {metric['Id']}"
    for metric, channels in read.items():
        if channels != {"line", "line-notify"}:
            yield f"{name}: {metric} is of one channel only"


CHECKS = [
    partial_batch_responses,
    batches,
    visibility,
    pace,
    dead_letters,
    permissions,
    plain_http,
    encryption,
    schedules,
    logs,
    alarms,
    lasting.kept,
    lasting.settings,
]


def complaints(template):
    return [complaint for check in CHECKS for complaint in check(template)]
