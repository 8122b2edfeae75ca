"""Checks of the expanded template that no linter does. Each yields its complaints."""

import itertools
import re

# LINE's limits for one channel over all machines, in requests a second.
# https://developers.line.biz/en/reference/messaging-api/#rate-limits
LINE_LIMITS = {"Push": 2000, "Multicast": 200}
# LINE Notify compatible servers publish no such limit. This one is our own choice, to spare them.
LINE_LIMITS["Notify"] = 200

# What Lambda's documentation advises for a queue that triggers a function.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
MIN_RECEIVES = 5

# A stack needs a channel before any other rule matters.
A_CHANNEL = {"NotifyApiBase": "https://example.com"}


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
    if function == "Fn::Contains":
        return resolve(given[1], values) in given[0]
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
    """The resource that a `Ref` or `GetAtt` names."""
    return value.get("Ref") or value["Fn::GetAtt"][0]


def mappings(template):
    """Each event source mapping with its function and its queue."""
    functions = of_type(template, "AWS::Lambda::Function")
    queues = of_type(template, "AWS::SQS::Queue")
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping").items():
        function = functions[target(mapping["FunctionName"])]
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
        if "ProvisionedPollerConfig" in mapping:
            yield f"{name}: provisioned pollers and MaximumConcurrency exclude each other"


def parameters(value):
    """The names of the parameters that a property depends on."""
    if isinstance(value, dict):
        return {value["Ref"]} if "Ref" in value else set().union(*map(parameters, value.values()))
    return set().union(*map(parameters, value)) if isinstance(value, list) else set()


def number(template, value, given):
    """The value of a property with these parameters."""
    if isinstance(value, dict) and "Ref" in value:
        return given[value["Ref"]]
    if isinstance(value, dict):
        table, key, field = value["Fn::FindInMap"]
        return template["Mappings"][table][str(given[key["Ref"]])][field]
    return value


def visibility(template):
    """No choice of parameters gives a queue too short a visibility timeout."""
    for name, mapping, function, queue in mappings(template):
        named = sorted(parameters(function["Timeout"]) | parameters(queue["VisibilityTimeout"]))
        for chosen in itertools.product(*(choices(template, {"Ref": one}) for one in named)):
            given = dict(zip(named, chosen, strict=True))
            timeout = number(template, function["Timeout"], given)
            hidden = number(template, queue["VisibilityTimeout"], given)
            window = mapping.get("MaximumBatchingWindowInSeconds", 0)
            needed = VISIBILITY_PER_TIMEOUT * timeout + window
            if hidden < needed and allowed(template, given | A_CHANNEL):
                yield (
                    f"{name}: a visibility timeout of {hidden} s is accepted, "
                    f"but a timeout of {timeout} s needs {needed} s"
                )


def pace(template):
    """All consumers together send at LINE's limit, for every concurrency that can be chosen."""
    mapping = of_type(template, "AWS::Lambda::EventSourceMapping")["ConsumerDeliveries"]
    function = of_type(template, "AWS::Lambda::Function")["Consumer"]
    concurrency = mapping["ScalingConfig"].get("MaximumConcurrency")
    settings = function["Environment"]["Variables"]
    for kind, limit in LINE_LIMITS.items():
        share = settings[f"{kind.upper()}_PER_SECOND"]
        if share != {"Fn::FindInMap": ["Share", concurrency, kind]}:
            yield f"{kind}: the share does not follow the mapping's concurrency"
            continue
        for consumers in choices(template, concurrency):
            rate = consumers * float(template["Mappings"]["Share"][str(consumers)][kind])
            if rate > limit:
                yield f"{kind}: {consumers} consumers may send {rate} a second; LINE takes {limit}"
            if rate < 0.99 * limit:
                yield f"{kind}: {consumers} consumers may send only {rate} of {limit} a second"


def dead_letters(template):
    queues = of_type(template, "AWS::SQS::Queue")
    for name, queue in queues.items():
        redrive = queue.get("RedrivePolicy")
        if redrive is None:
            continue
        letters = queues[target(redrive["deadLetterTargetArn"])]
        if min(choices(template, redrive["maxReceiveCount"])) < MIN_RECEIVES:
            yield f"{name}: a delivery is tried at least {MIN_RECEIVES} times"
        # SQS counts a dead letter's retention from when the message was first sent.
        longest = max(choices(template, queue["MessageRetentionPeriod"]))
        if longest >= min(choices(template, letters["MessageRetentionPeriod"])):
            yield f"{name}: SQS may drop its dead letters as early as its messages"
        sources = names(letters["RedriveAllowPolicy"]["sourceQueueArns"])
        prefix = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
        if sources != {prefix + one for one in names(queue["QueueName"])}:
            yield f"{name}: its dead-letter queue does not accept it as a source"
        if queue.get("FifoQueue") != letters.get("FifoQueue"):
            yield f"{name}: a FIFO queue needs a FIFO dead-letter queue"


def names(value):
    """All strings that a value with conditions can become."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return set().union(*map(names, value))
    ((function, given),) = value.items()
    return names(given[1:]) if function == "Fn::If" else {given}


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
        if "Name" in schedule:
            yield f"{name}: a second stack would have the same name"
        if "DeadLetterConfig" not in schedule["Target"]:
            yield f"{name}: a missed firing leaves no trace"
    for name, config in of_type(template, "AWS::Lambda::EventInvokeConfig").items():
        kept = "OnFailure" in config.get("DestinationConfig", {})
        if config.get("MaximumRetryAttempts") != 0 or not kept:
            yield f"{name}: Lambda would run a failed producer again from the first row"


def logs(template):
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        group = groups.get(logging.get("LogGroup", {}).get("Ref"), {})
        if "RetentionInDays" not in group or logging.get("LogFormat") != "JSON":
            yield f"{name}: its logs must be JSON and must expire"


def alarms(template):
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    watched = set()
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        if alarm.get("AlarmActions") != topic:
            yield f"{name}: it notifies nobody"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name}: an idle queue would start it"
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible":
            watched |= {target(one["Value"]) for one in alarm["Dimensions"]}
        if alarm["MetricName"] == "NumberOfMessagesSent":
            yield f"{name}: SQS does not count a message that it moves as sent"
    for name in of_type(template, "AWS::SQS::Queue"):
        if re.search("DeadLetter|Failure", name) and name not in watched:
            yield f"{name}: no alarm watches it"


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
]


def complaints(template):
    return [complaint for check in CHECKS for complaint in check(template)]
