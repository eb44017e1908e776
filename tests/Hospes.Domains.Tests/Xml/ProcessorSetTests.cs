using Hospes.Domains.Configuration;

namespace Hospes.Domains.Tests.Xml;

public sealed class ProcessorSetTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0-3,^2", "0-1,3")]
    [InlineData(" 1 , 3 - 4 ,2", "1-4")]
    [InlineData("16383", "16383")]
    [InlineData("5,5,5-6", "5-6")]
    public void SetsAreReadAndWritten(string text, string written)
    {
        ProcessorSet set = ProcessorSet.Parse(text).ShouldNotBeNull();
        set.ToString().ShouldBe(written);
        ProcessorSet.Parse(written).ShouldBe(set);
        ProcessorSet.FromBits(set.ToBits(2048)).ShouldBe(set);
    }

    [Theory]
    [InlineData("")]
    [InlineData("3-1")]
    [InlineData("16384")]
    [InlineData("-1")]
    [InlineData("1,,2")]
    [InlineData("^0")]
    [InlineData("0-3,^1-2")]
    [InlineData("1-2-3")]
    [InlineData("all")]
    public void WhatIsNoSetIsNone(string text) => ProcessorSet.Parse(text).ShouldBeNull();

    [Fact]
    public void SetsAreCompared()
    {
        ProcessorSet set = ProcessorSet.Parse("0-1,9")!;
        set.Last.ShouldBe(9);
        set.FirstBeyond(ProcessorSet.Parse("0-3")!).ShouldBe(9);
        set.FirstBeyond(ProcessorSet.Parse("0-9")!).ShouldBeNull();
        set.ToBits(1).ShouldBe([3]);
        set.Contains(9).ShouldBeTrue();
        set.Contains(-1).ShouldBeFalse();
        ProcessorSet.FromBits([0, 0]).ShouldBeNull();
        ProcessorSet.FromBits([]).ShouldBeNull();
        ProcessorSet.OfHost.Contains(0).ShouldBeTrue();
    }
}
