"""Arithmetic in a record, as text: numbers, + - * / **, brackets, functions and the names of other records."""

from __future__ import annotations

import ast
import functools
import math
import operator
from collections.abc import Callable, Mapping

from eutonia.errors import ParameterError, unknown

_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


def _probit(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "probit": _probit,
}
_GRAMMAR = "numbers, + - * / **, brackets, sqrt, exp, log, probit and names of records of the same set"


def evaluate(expression: str, names: Mapping[str, float]) -> float:
    """Return the value of an expression such as "180 * 60 / 1000" or "log(2) / elimination_rate"."""
    try:
        value = _node(ast.parse(expression, mode="eval").body, names)
    except SyntaxError:
        raise ParameterError(f'"{expression}" is not arithmetic. Allowed: {_GRAMMAR}. Correct it.') from None
    except (ArithmeticError, ValueError) as error:
        raise ParameterError(f'"{expression}" has no value ({error}). Allowed: {_GRAMMAR}. Correct it.') from None
    if not math.isfinite(value):
        raise ParameterError(f'"{expression}" gives {value}, no finite number. Allowed: {_GRAMMAR}. Correct it.')
    return value


@functools.cache
def names(expression: str) -> frozenset[str]:
    """Return the names of the records that an expression holds."""
    if not expression:
        return frozenset()
    nodes = ast.walk(ast.parse(expression, mode="eval"))
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name)) - frozenset(_FUNCTIONS)


def _node(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name):
            if name not in names:
                raise ParameterError(unknown("record", name, names, f"A derived expression may hold {_GRAMMAR}."))
            return names[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_node(left, names), _node(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_node(operand, names))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_node(argument, names))
    raise ParameterError(f'"{ast.unparse(node)}" is not allowed here. Allowed: {_GRAMMAR}. Write it out as arithmetic.')
