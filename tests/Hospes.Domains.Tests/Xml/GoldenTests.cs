using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Tests.Xml;

public sealed class GoldenTests
{
    private static string Golden(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", name));

    private static DomainConfig Complete(string xml)
    {
        DomainConfig config = DomainDefaults.Apply(DomainXmlReader.Read(xml, strict: true).Value.Config, SimulatedHost.DefaultProfile, new NoRandom());
        DomainValidator.Check(config, SimulatedHost.DefaultProfile).ShouldBeNull();
        return config;
    }

    [Theory]
    [InlineData("minimal")]
    [InlineData("full")]
    [InlineData("devices")]
    public void DefaultsAreFilledInAndWritten(string name)
    {
        string written = DomainXmlWriter.Write(Complete(Golden($"{name}.in.xml")));
        written.ShouldBe(Golden($"{name}.out.xml"));
    }

    [Theory]
    [InlineData("minimal")]
    [InlineData("full")]
    [InlineData("devices")]
    public void WhatWasWrittenReadsAsTheSame(string name)
    {
        DomainConfig config = Complete(Golden($"{name}.in.xml"));
        DomainConfig again = Complete(DomainXmlWriter.Write(config));
        again.ShouldBe(config);
        DomainXmlWriter.Write(again).ShouldBe(DomainXmlWriter.Write(config));
    }

    [Fact]
    public void ARunningDomainHasItsId() => DomainXmlWriter.Write(Complete(Golden("minimal.in.xml")), 3).ShouldStartWith("<domain type=\"qemu\" id=\"3\">");

    [Theory]
    [InlineData("1024", null, 1UL)]
    [InlineData("1", "bytes", 1UL)]
    [InlineData("1025", "b", 2UL)]
    [InlineData("1", "KB", 1UL)]
    [InlineData("2", "MB", 1954UL)]
    [InlineData("1", "TiB", 1UL << 30)]
    [InlineData("3", "EiB", 3UL << 50)]
    public void AmountsHaveUnits(string amount, string? unit, ulong kib)
    {
        string xml = $"<domain type='hospes'><name>a</name><memory unit='{unit ?? "b"}'>{amount}</memory><os><type>hvm</type></os></domain>";
        DomainXmlReader.Read(xml).Value.Config.MemoryKiB.ShouldBe(kib);
    }
}
