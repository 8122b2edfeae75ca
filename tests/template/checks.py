"""What no linter sees in the expanded template: each check returns its complaints."""

import itertools
import re

# LINE's limits for one channel over all machines, requests a second.
# https://developers.line.biz/en/reference/messaging-api/#rate-limits
LINE_LIMITS = {"Push": 2000, "Multicast": 200}
# The courtesy of this template towards LINE Notify compatible servers.
LINE_LIMITS["Notify"] = 200

# Lambda's advice for queues that trigger functions.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
LEAST_RECEIVES = 5


def of_type(template, kind):
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def choices(template, value):
    """Every value that a property can take: itself, or what its parameter allows (its bounds, for a number without a list)."""
    if isinstance(value, dict) and "Ref" in value:
        parameter = template["Parameters"][value["Ref"]]
        return parameter.get("AllowedValues") or [parameter["MinValue"], parameter["Default"], parameter["MaxValue"]]
    return [value]


def holds(condition, values):
    """A condition of the `Rules` section under these parameters."""
    (function, given), = condition.items()
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
    """Whether the `Rules` section lets these parameters through; the rest have their defaults."""
    values = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()} | given
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
    functions, queues = of_type(template, "AWS::Lambda::Function"), of_type(template, "AWS::SQS::Queue")
    for name, mapping in of_type(template, "AWS::Lambda::EventSourceMapping").items():
        yield name, mapping, functions[target(mapping["FunctionName"])], queues[target(mapping["EventSourceArn"])]


def partial_batch_responses(template):
    """Without the flag Lambda deletes the deliveries that the function hands back. A batch of one has no part to hand back."""
    for name, mapping, _, _ in mappings(template):
        if mapping["BatchSize"] > 1 and mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name}: what the function hands back would be deleted"


def batches(template):
    for name, mapping, _, _ in mappings(template):
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        if mapping["BatchSize"] > 10 and window < 1:
            yield f"{name}: a batch of over ten needs a window"
        if "MaximumConcurrency" not in mapping.get("ScalingConfig", {}):
            yield f"{name}: nothing limits its concurrency"
        elif min(choices(template, mapping["ScalingConfig"]["MaximumConcurrency"])) < 2:
            yield f"{name}: MaximumConcurrency is at least 2"
        if "ProvisionedPollerConfig" in mapping:
            yield f"{name}: provisioned pollers exclude MaximumConcurrency"


def parameters(value):
    """The parameters that a property depends on."""
    if isinstance(value, dict):
        return {value["Ref"]} if "Ref" in value else set().union(*map(parameters, value.values()))
    return set().union(*map(parameters, value)) if isinstance(value, list) else set()


def number(template, value, given):
    """What a property is with these parameters."""
    if isinstance(value, dict) and "Ref" in value:
        return given[value["Ref"]]
    if isinstance(value, dict):
        table, key, field = value["Fn::FindInMap"]
        return template["Mappings"][table][str(given[key["Ref"]])][field]
    return value


def visibility(template):
    for name, mapping, function, queue in mappings(template):
        named = sorted(parameters(function["Timeout"]) | parameters(queue["VisibilityTimeout"]))
        for chosen in itertools.product(*(choices(template, {"Ref": one}) for one in named)):
            given = dict(zip(named, chosen))
            timeout, hidden = number(template, function["Timeout"], given), number(template, queue["VisibilityTimeout"], given)
            needed = VISIBILITY_PER_TIMEOUT * timeout + mapping.get("MaximumBatchingWindowInSeconds", 0)
            if hidden < needed and allowed(template, given | {"NotifyApiBase": "https://example.com"}):
                yield f"{name}: visibility {hidden} s under {needed} s for a timeout of {timeout} s is let through"


def pace(template):
    """Consumers times their share is LINE's limit, for every concurrency that the template lets through."""
    mapping = of_type(template, "AWS::Lambda::EventSourceMapping")["ConsumerDeliveries"]
    function = of_type(template, "AWS::Lambda::Function")["Consumer"]
    concurrency = mapping["ScalingConfig"].get("MaximumConcurrency")
    settings = function["Environment"]["Variables"]
    for kind, limit in LINE_LIMITS.items():
        share = settings[f"{kind.upper()}_PER_SECOND"]
        if share != {"Fn::FindInMap": ["Share", concurrency, kind]}:
            yield f"{kind}: the share does not follow the mapping's own concurrency"
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
        aside = queues[target(redrive["deadLetterTargetArn"])]
        if min(choices(template, redrive["maxReceiveCount"])) < LEAST_RECEIVES:
            yield f"{name}: a delivery is tried at least {LEAST_RECEIVES} times"
        # The clock of a dead letter started when it was first sent.
        if max(choices(template, queue["MessageRetentionPeriod"])) >= min(choices(template, aside["MessageRetentionPeriod"])):
            yield f"{name}: its dead letters would be dropped no later than itself"
        sources = names(aside["RedriveAllowPolicy"]["sourceQueueArns"])
        if sources != {f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{one}" for one in names(queue["QueueName"])}:
            yield f"{name}: its dead-letter queue does not let it in"
        if queue.get("FifoQueue") != aside.get("FifoQueue"):
            yield f"{name}: a FIFO queue's dead-letter queue is one too"


def names(value):
    """All strings that a value with conditions can become."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return set().union(*map(names, value))
    (function, given), = value.items()
    return names(given[1:]) if function == "Fn::If" else {given}


def statements(value):
    """Every policy statement below a value, with the conditions it stands under."""

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


def permissions(template):
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name}: a managed policy allows more than we use"
        for statement, under in statements(role.get("Policies", [])):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if any("*" in action for action in actions):
                yield f"{name}: {statement['Sid']} allows actions by pattern"
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            traces = under == ["Traced"] and all(action.startswith("xray:") for action in actions)
            if any(resource == "*" for resource in resources) and not traces:
                yield f"{name}: {statement['Sid']} is for every resource there is"
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        if target(function["Role"]) not in of_type(template, "AWS::IAM::Role"):
            yield f"{name}: has no role of its own"


def plain_http(template):
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
            yield f"{name}: plain HTTP gets in"


def encryption(template):
    own_key = {"Fn::If": ["OwnKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        if queue.get("KmsMasterKeyId") != own_key or queue.get("SqsManagedSseEnabled") != {"Fn::If": ["OwnKey", {"Ref": "AWS::NoValue"}, True]}:
            yield f"{name}: exactly one of SQS's key and the customer's encrypts it"


def schedules(template):
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        if "Name" in schedule:
            yield f"{name}: a second stack would collide with its name"
        if "DeadLetterConfig" not in schedule["Target"]:
            yield f"{name}: a missed firing leaves no trace"
    for name, config in of_type(template, "AWS::Lambda::EventInvokeConfig").items():
        if config.get("MaximumRetryAttempts") != 0 or "OnFailure" not in config.get("DestinationConfig", {}):
            yield f"{name}: a failed producer would begin again from the first row"


def logs(template):
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        group = groups.get(logging.get("LogGroup", {}).get("Ref"), {})
        if "RetentionInDays" not in group or logging.get("LogFormat") != "JSON":
            yield f"{name}: its logs are JSON and end some day"


def alarms(template):
    heard = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    watched = set()
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        if alarm.get("AlarmActions") != heard:
            yield f"{name}: tells nobody"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name}: a queue at rest would ring it"
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible":
            watched |= {target(one["Value"]) for one in alarm["Dimensions"]}
        if alarm["MetricName"] == "NumberOfMessagesSent":
            yield f"{name}: SQS does not count what it moves as sent"
    for name in of_type(template, "AWS::SQS::Queue"):
        if re.search("DeadLetter|Failure", name) and name not in watched:
            yield f"{name}: nobody hears what falls in"


CHECKS = [partial_batch_responses, batches, visibility, pace, dead_letters, permissions, plain_http, encryption, schedules, logs, alarms]


def complaints(template):
    return [complaint for check in CHECKS for complaint in check(template)]
