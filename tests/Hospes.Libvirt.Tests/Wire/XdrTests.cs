using FsCheck;
using FsCheck.Fluent;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Tests.Wire;

public sealed class XdrTests
{
    [Fact]
    public void WhatWasWrittenReadsAsTheSame()
    {
        var writer = new XdrWriter();
        Guid uuid = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
        writer.Int32(-5);
        writer.UInt64(ulong.MaxValue);
        writer.Double(0.5);
        writer.Text("grün");
        writer.OptionalText(null);
        writer.OptionalText("");
        writer.Opaque([1, 2, 3, 4, 5]);
        writer.Uuid(uuid);
        var reader = new XdrReader(writer.Written.Span);
        reader.Int32().ShouldBe(-5);
        reader.UInt64().ShouldBe(ulong.MaxValue);
        reader.Double().ShouldBe(0.5);
        reader.Text().ShouldBe("grün");
        reader.OptionalText().ShouldBeNull();
        reader.OptionalText().ShouldBe("");
        reader.Opaque(5).ToArray().ShouldBe([1, 2, 3, 4, 5]);
        reader.Uuid().ShouldBe(uuid);
        reader.Complete.ShouldBeTrue();
    }

    [Fact]
    public void BytesAreThoseOfTheSpecification()
    {
        var writer = new XdrWriter();
        writer.Text("sillyprog");
        // RFC 4506, section 7, offset 0.
        writer.Written.ToArray().ShouldBe([0, 0, 0, 9, 0x73, 0x69, 0x6C, 0x6C, 0x79, 0x70, 0x72, 0x6F, 0x67, 0, 0, 0]);
        writer.Clear();
        writer.Uuid(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));
        writer.Written.ToArray().ShouldBe([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF]);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 9, 65 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0, 0, 0, 1, 0, 0, 0, 0 })]
    public void StringsThatDoNotFitAreRefused(byte[] input)
    {
        var reader = new XdrReader(input);
        reader.Text();
        reader.Failed.ShouldBeTrue();
        reader.Int32().ShouldBe(0);
    }

    [Fact]
    public void ListsAreNoLongerThanWhatIsThere()
    {
        var reader = new XdrReader([0, 0, 0x40, 0, 0, 0, 0, 0]);
        reader.Count(0x4000).ShouldBe(0);
        reader.Failed.ShouldBeTrue();
        reader = new XdrReader([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        reader.Count(1).ShouldBe(0);
        reader.Failed.ShouldBeTrue();
    }

    [Fact]
    public void NothingThatIsReadThrows() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), static (byte[] input) =>
    {
        var reader = new XdrReader(input);
        for (int i = 0; i < 8; i++)
        {
            reader.Text(100);
            reader.OptionalText(100);
            TypedParameter.Read(ref reader);
            reader.Uuid();
            reader.Count(50);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
}
