using FsCheck;
using FsCheck.Fluent;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Tests.CommandLine;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("512", 512L << 20)]
    [InlineData("512M", 512L << 20)]
    [InlineData("2G", 2L << 30)]
    [InlineData("2gib", 2L << 30)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("7B", 7)]
    [InlineData("1T", 1L << 40)]
    [InlineData("0", 0)]
    public void SizesAreRead(string text, long expected)
    {
        ByteSize.TryParse(text, out long bytes).ShouldBeTrue();
        bytes.ShouldBe(expected);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1.5G")]
    [InlineData("512X")]
    [InlineData("512MM")]
    [InlineData("5 M")]
    [InlineData("18446744073709551616")]
    [InlineData("9007199254740993K")]
    [InlineData("99999999T")]
    public void OtherTextsAreRefused(string text) => ByteSize.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void EveryWholeNumberOfBytesSurvives() =>
        Prop.ForAll<uint>(number => ByteSize.TryParse($"{number}B", out long bytes) && bytes == number).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(1023, "1023 bytes")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(8_808_038, "8.4 MiB")]
    [InlineData(512L << 20, "512 MiB")]
    public void SizesAreWritten(long bytes, string expected) => ByteSize.Format(bytes).ShouldBe(expected);
}
