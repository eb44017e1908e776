using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hospes.Qmp.Json;

namespace Hospes.Qmp.Tests;

public sealed class JsonReaderTests
{
    /// <summary>What one message after the other gives.</summary>
    internal static List<string> ReadAll(ReadOnlySpan<byte> input, params int[] cuts)
    {
        var reader = new JsonReader();
        var read = new List<string>();
        int from = 0;
        foreach (int cut in cuts.Append(input.Length))
        {
            int to = Math.Clamp(cut, from, input.Length);
            ReadOnlySpan<byte> piece = input[from..to];
            while (reader.TryRead(ref piece, out JsonMessage message))
            {
                read.Add(message.Value?.RootElement.GetRawText().Replace(" ", "", StringComparison.Ordinal) ?? $"!{message.Error}");
                message.Value?.Dispose();
            }
            piece.IsEmpty.ShouldBeTrue();
            from = to;
        }
        return read;
    }

    [Theory]
    [InlineData("""{"a":1}{"b":2}""", """{"a":1}""", """{"b":2}""")]
    [InlineData("""  {"a" : [ 1 , -2.5e+3, true,false , null, "x"] } """, """{"a":[1,-2.5e+3,true,false,null,"x"]}""")]
    [InlineData("{}\r\n\t{}\n", "{}", "{}")]
    [InlineData("[][1]", "[]", "[1]")]
    [InlineData("{'it':'a\"b\\'c'}", "{\"it\":\"a\\\"b'c\"}")]
    [InlineData("""{"e":"\u0041\ud83d\ude00\n\/"}""", """{"e":"\u0041\ud83d\ude00\n\/"}""")]
    [InlineData("\"x\"5 true,", "\"x\"", "5", "true", "!expecting value")]
    public void ValuesStandOneAfterTheOther(string input, params string[] expected) => ReadAll(Encoding.UTF8.GetBytes(input)).ShouldBe(expected);

    [Theory]
    [InlineData("""{"a":1,}""", "expecting value")]
    [InlineData("""{"a":1 "b":2}""", "expected separator in dict")]
    [InlineData("""{"a" 1}""", "missing : in object pair")]
    [InlineData("{5:6}", "key is not a string in object")]
    [InlineData("[1 2]", "expected separator in list")]
    [InlineData("[1,2}", "expected separator in list")]
    [InlineData("""{"a":}""", "expecting value")]
    [InlineData("""{"a":1,"b":2,"\u0061":3}""", "duplicate key")]
    [InlineData("""[{"a":{"b":1,"b":1}}]""", "duplicate key")]
    [InlineData("""{"a":"\x"}""", "invalid escape sequence in string")]
    [InlineData("""{"a":"\u12"}""", "\\u12\" is not a valid Unicode character")]
    [InlineData("""{"a":"\ud800"}""", "\\ud800 is not a valid Unicode character")]
    [InlineData("""{"a":"\ud800\u0041"}""", "\\ud800 is not a valid Unicode character")]
    [InlineData("""{"a":"\ud800\n"}""", "\\ud800 is not a valid Unicode character")]
    [InlineData("""{"a":"\udc00"}""", "\\udc00 is not a valid Unicode character")]
    [InlineData("""{"a":"\u0000"}""", "\\u0000 is not a valid Unicode character")]
    [InlineData("""{"a":tru}""", "invalid keyword 'tru'")]
    [InlineData("garbage ", "invalid keyword 'garbage'")]
    [InlineData("}", "expecting value")]
    [InlineData("]", "expecting value")]
    [InlineData("{]", "expecting value")]
    public void AMistakeIsOneErrorAndTheNextMessageIsRead(string input, string error) =>
        ReadAll([.. Encoding.UTF8.GetBytes(input), .. "{\"next\":1}"u8]).ShouldBe([$"!{error}", "{\"next\":1}"]);

    [Theory]
    [InlineData("@#$\n", "stray '@'")]
    [InlineData("{\"a\":\"x\n", "stray '\"x\n'")]
    [InlineData("-x\n", "stray '-x'")]
    [InlineData("[1.,\n", "stray '1.,'")]
    [InlineData("[1e,\n", "stray '1e,'")]
    [InlineData("[01\n", "stray '01'")]
    public void StrayTextIsSkippedToTheLinesEnd(string input, string error) =>
        ReadAll([.. Encoding.UTF8.GetBytes(input), .. "{\"next\":1}"u8]).ShouldBe([$"!{error}", "{\"next\":1}"]);

    [Fact]
    public void TheByteThatIsInNoTextBringsTheReaderToAKnownState()
    {
        byte[] half = [.. "{\"execute\": \"quit"u8, 0xFF, .. "{\"next\":1}"u8];
        ReadAll(half)[^1].ShouldBe("{\"next\":1}");
        byte[] between = [0xFF, .. "{\"next\":1}"u8];
        ReadAll(between)[^1].ShouldBe("{\"next\":1}");
    }

    [Fact]
    public void TextThatIsNoUtf8IsAnError()
    {
        byte[] input = [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}{}"u8];
        ReadAll(input).ShouldBe(["!invalid UTF-8 sequence in string", "{}"]);
    }

    [Fact]
    public void SizeAndDepthAreBounded()
    {
        string deep = new string('[', QmpLimits.Depth) + new string(']', QmpLimits.Depth);
        ReadAll(Encoding.UTF8.GetBytes(deep)).ShouldBe([deep]);
        ReadAll(Encoding.UTF8.GetBytes($"[{deep}]{{}}")).ShouldBe(["!JSON nesting depth limit exceeded", "{}"]);
        byte[] large = [(byte)'[', (byte)'"', .. Enumerable.Repeat((byte)'a', QmpLimits.MessageSize), (byte)'"', (byte)']', (byte)'5', (byte)' '];
        ReadAll(large).ShouldBe(["!JSON token size limit exceeded", "5"]);
    }

    [Fact]
    public void AnyCutOfTheBytesGivesTheSame() => Prop.ForAll(
        Arb.From(from text in Messages from cuts in Gen.Choose(0, 60).ListOf() select (text, cuts)),
        sample =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(sample.text);
            int[] cuts = [.. sample.cuts.Order()];
            return ReadAll(bytes, cuts).SequenceEqual(ReadAll(bytes)) && ReadAll(bytes, [.. Enumerable.Range(0, bytes.Length)]).SequenceEqual(ReadAll(bytes));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void WhatIsWrittenIsRead() => Prop.ForAll(
        Arb.From(Value(3)),
        value => ReadAll(Encoding.UTF8.GetBytes(value + "\n")).SequenceEqual([value.Replace(" ", "", StringComparison.Ordinal)])).QuickCheckThrowOnFailure();

    [Fact]
    public void NoBytesBreakTheReader()
    {
        var random = new Random(5);
        byte[] sample = """{"execute":"blockdev-add","arguments":{"driver":"raw","file":[1,-2.5e3,'x',null,true]},"id":"\u00e4\ud83d\ude00"}"""u8.ToArray();
        var reader = new JsonReader();
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = round % 3 == 0 ? new byte[random.Next(40)] : sample[..random.Next(sample.Length + 1)];
            if (round % 3 == 0) random.NextBytes(bytes);
            for (int change = random.Next(4); change > 0 && bytes.Length > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ReadOnlySpan<byte> input = bytes;
            while (reader.TryRead(ref input, out JsonMessage message))
            {
                (message.Value is null).ShouldBe(message.Error is not null);
                message.Value?.Dispose();
            }
        }
        // Wherever that left it: a line of brackets and a known byte later it reads again.
        ReadOnlySpan<byte> end = [0xFF, .. "{\"a\":1}"u8];
        string? last = null;
        while (reader.TryRead(ref end, out JsonMessage message)) last = message.Value?.RootElement.GetRawText();
        last.ShouldNotBeNull().Replace(" ", "", StringComparison.Ordinal).ShouldBe("{\"a\":1}");
    }

    private static Gen<string> Messages => Gen.OneOf(Value(2), Gen.Elements("{", "}", "[", "]", ":", ",", "'x", "\"", "tru ", "01 ", "-", "\n", "\uFFFD", "\\", "5 ")).ListOf().Select(static parts => string.Concat(parts));

    private static Gen<string> Value(int depth)
    {
        Gen<string> leaf = Gen.Elements("1", "-2.5", "3e7", "0", "true", "false", "null", "\"\"", "\"a\"", "\"\\n\\u00e4\"", "\"ä€\"");
        if (depth == 0) return leaf;
        Gen<string> below = Value(depth - 1);
        return Gen.OneOf(
            leaf,
            from items in below.ListOf() select $"[{string.Join(" , ", items)}]",
            from items in below.ListOf() select $"{{{string.Join(",", items.Select(static (item, i) => $"\"k{i}\": {item}"))}}}");
    }
}
