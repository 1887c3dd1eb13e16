// What a text says of the initiator, in every place where it may, and in those where it may not (DESIGN §3, THREATS ).
import { limits } from '@sallyport/base/limits'
import { describe, expect, it } from 'vitest'
import { readInitiator } from './initiator-text.ts'

const token = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl-_'

describe('a comment at the end', () => {
  it.each([
    [`select 1 /*sallyport='${token}'*/`, 'select 1'],
    [`select 1/*sallyport='${token}'*/;`, 'select 1;'],
    [`select 1; /*sallyport='${token}'*/`, 'select 1;'],
    [`select 1\n/* sallyport='${token}' */ ;\n`, 'select 1;'],
    [`select 1; select 2 /*sallyport='${token}'*/`, 'select 1; select 2'],
    [`/*sallyport='${token}'*/`, ''],
    [`select 'sallyport=' /*sallyport='${token}'*/`, "select 'sallyport='"],
    [`select $x$ /*sallyport='no'*/ $x$ /*sallyport='${token}'*/`, "select $x$ /*sallyport='no'*/ $x$"],
    [
      `select 1 /* the sallyport of the castle */ /*sallyport='${token}'*/`,
      'select 1 /* the sallyport of the castle */',
    ],
    [
      `select 1 /*action='list',sallyport='${token}',traceparent='00-1'*/`,
      "select 1 /*action='list',traceparent='00-1'*/",
    ],
  ])('%s', (text, left) => {
    expect(readInitiator(text)).toEqual({ kind: 'comment', text: left, value: token })
  })

  it('is decoded as sqlcommenter encodes it', () => {
    expect(readInitiator("select 1 /*sallyport='claimed%3Ahttps%3A%2F%2Fidp.test%20ann'*/")).toMatchObject({
      value: 'claimed:https://idp.test ann',
    })
  })
})

describe('SET and its function', () => {
  const set = 'SET sallyport.initiator TO DEFAULT'
  const call = "SELECT pg_catalog.set_config('sallyport.initiator', '', false)"
  it.each([
    [`SET sallyport.initiator = '${token}'`, set, token],
    [`set local SALLYPORT . Initiator to '${token}' ;`, set, token],
    [`/* a */ SET SESSION sallyport.initiator='${token}' -- b`, set, token],
    ["SET sallyport.initiator = ''", set, null],
    ['SET sallyport.initiator TO DEFAULT', set, null],
    ['RESET sallyport.initiator;', 'RESET sallyport.initiator', null],
    [`select set_config('sallyport.initiator', '${token}', true)`, call, token],
    [`SELECT pg_catalog.set_config( 'Sallyport.Initiator' , '${token}' , false );`, call, token],
    ["select set_config('sallyport.initiator', null, true)", call, null],
    ["select set_config('sallyport.initiator', '', true)", call, null],
  ])('%s', (text, left, value) => {
    expect(readInitiator(text)).toEqual({ kind: 'set', text: left, value })
  })

  it.each(['$1', '$1::text'])('takes its value from a parameter: %s', (value) => {
    expect(readInitiator(`SELECT set_config('sallyport.initiator', ${value}, true)`)).toEqual({
      kind: 'parameter',
      text: call,
    })
  })
})

describe('nothing is said by', () => {
  it.each([
    'select 1',
    'select sallyport from doors',
    'select * from sallyport.doors',
    "insert into notes values ('SET sallyport.initiator = x')",
    "insert into notes values ('/*sallyport=1*/')",
    'select "sallyport".initiator from x',
    `select '${'x'.repeat(limits.statementBytesMax)}' /*sallyport='${token}'*/`,
  ])('%#', (text) => {
    expect(readInitiator(text)).toEqual({ kind: 'none' })
  })
})

describe('in the wrong place', () => {
  it.each([
    [`a comment before`, `/*sallyport='${token}'*/ select 1`],
    ['a comment within', `select /*sallyport='${token}'*/ 1`],
    ['a comment to the end of the line', `select 1 -- sallyport='${token}'`],
    ['two comments', `select 1 /*sallyport='${token}'*/ /*sallyport='${token}'*/`],
    ['twice in one', `select 1 /*sallyport='${token}',sallyport='${token}'*/`],
    ['without quotes', `select 1 /*sallyport=${token}*/`],
    ['with something behind it', `select 1 /*sallyport='${token}' x*/`],
    ['an empty one', "select 1 /*sallyport=''*/"],
    ['one that cannot be decoded', "select 1 /*sallyport='%ff'*/"],
    ['one within another', `select 1 /* /*sallyport='${token}'*/ */`],
    ['a comment that does not end', `select 1 /*sallyport='${token}'`],
    ['SET beside others', `SET sallyport.initiator = '${token}'; select 1`],
    ['others before SET', `begin; SET sallyport.initiator = '${token}'`],
    ['SET with a comment', `SET sallyport.initiator = '${token}' /*sallyport='${token}'*/`],
    ['SET of a name', 'SET sallyport.initiator = ann'],
    ['SET of an escaped text', `SET sallyport.initiator = E'${token}'`],
    ['SET of text in dollars', `SET sallyport.initiator = $$${token}$$`],
    ['SHOW', 'SHOW sallyport.initiator'],
    ['its function in a larger text', `select set_config('sallyport.initiator', '${token}', true), 1`],
    ['its function with another parameter', "select set_config('sallyport.initiator', $2, true)"],
    ['looking it up', "select current_setting('sallyport.initiator', true)"],
  ])('%s', (_, text) => {
    expect(readInitiator(text)).toMatchObject({ kind: 'misplaced' })
  })
})
