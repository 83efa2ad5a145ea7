"""How fast yaql and Jinja2 themselves are: reads {"data": …, "yaql": [expressions], "jinja": [expressions]} from standard
input and writes operations per second, the best of five runs of CPU time. Jinja is set up as Mistral does it."""

import functools
import json
import sys
import time


def best(f):
    n = 1
    while True:
        began = time.process_time()
        for _ in range(n):
            f()
        took = time.process_time() - began
        if took > 0.05:
            break
        n *= 2
    runs = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(n):
            f()
        runs.append(time.process_time() - began)
    return n / min(runs)


def measure_yaql(data, expressions):
    import yaql
    from yaql.language import factory
    engine = factory.YaqlFactory().create(options={'yaql.convertInputData': True, 'yaql.convertTuplesToLists': True})
    root = yaql.create_context()
    out = {}
    for text in expressions:
        parsed = engine(text)
        out[text] = {
            'parse': best(lambda: engine(text)),
            'eval': best(lambda: parsed.evaluate(data=data, context=root.create_child_context())),
        }
    return out


def measure_jinja(data, expressions):
    import jinja2
    from jinja2 import sandbox
    env = sandbox.SandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    names = ['env', 'execution', 'executions', 'global', 'json_dump', 'json_parse', 'json_pp', 'task', 'tasks', 'uuid',
             'yaml_dump', 'yaml_parse']

    def context():
        return dict({'_': data}, **{n: functools.partial(len, data) for n in names})

    kept = context()
    out = {}
    for text in expressions:
        compiled = env.compile_expression(text, undefined_to_none=False)
        out[text] = {
            'parse': best(lambda: env.compile_expression(text, undefined_to_none=False)),
            'eval': best(lambda: compiled(**context())),
            'kept': best(lambda: compiled(**kept)),
        }
    return out


def main():
    asked = json.load(sys.stdin)
    out = {}
    for lang, measure in (('yaql', measure_yaql), ('jinja', measure_jinja)):
        try:
            out[lang] = measure(asked['data'], asked[lang])
        except ImportError:
            pass
    json.dump(out, sys.stdout)


main()
