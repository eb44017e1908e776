namespace Hospes.Machine.Tests.Acpi;

public sealed class AmlWriterTests
{
    [Theory]
    [InlineData(0ul, "00")]
    [InlineData(1ul, "01")]
    [InlineData(2ul, "0A02")]
    [InlineData(0xFFul, "0AFF")]
    [InlineData(0x100ul, "0B0001")]
    [InlineData(0x10000ul, "0C00000100")]
    [InlineData(0x100000000ul, "0E0000000001000000")]
    [InlineData(ulong.MaxValue, "0EFFFFFFFFFFFFFFFF")]
    public void Integers_take_their_shortest_form(ulong value, string expected) => Hex(aml => aml.Integer(value)).ShouldBe(expected);

    [Theory]
    [InlineData("\\", "5C00")]
    [InlineData("A", "415F5F5F")]
    [InlineData("\\_SB", "5C5F53425F")]
    [InlineData("\\_SB.PCI0", "5C2E5F53425F50434930")]
    [InlineData("A.B.CDEF", "2F03415F5F5F425F5F5F43444546")]
    public void Names_are_padded_and_counted(string path, string expected) => Hex(aml => aml.Path(path)).ShouldBe(expected);

    [Fact]
    public void Eisa_ids_are_compressed() => Hex(aml => aml.EisaId("PNP0501")).ShouldBe("0C41D00501");

    [Theory]
    [InlineData(62, "113F")]
    [InlineData(63, "1141 04")]
    [InlineData(4093, "114F FF")]
    [InlineData(4094, "1181 00 01")]
    [InlineData(70000, "1183 17 11")]
    public void Package_length_counts_its_own_bytes(int content, string expected)
    {
        // A buffer's content is its size, as an integer, and the bytes.
        int bytes = content - (content - 2 <= 255 ? 2 : content - 3 <= 65535 ? 3 : 5);
        string hex = Hex(aml => aml.Buffer(new byte[bytes]));
        hex.ShouldStartWith(expected.Replace(" ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(61)]
    [InlineData(1000)]
    [InlineData(5000)]
    [InlineData(70000)]
    public void Disassembler_reads_blocks_of_every_length(int size)
    {
        var aml = new AmlWriter();
        aml.Device("BIGD", device => device
            .Name("_HID", value => value.Text("HSPS0001"))
            .Name("DATA", value => value.Buffer(new byte[size]))
            .Name("LAST", value => value.Integer(0x123456789)));
        byte[] table = new AcpiTable("SSDT", 2).Bytes(aml.ToArray()).ToArray();
        (string listing, string output) = TablesTests.Disassemble("SSDT", table);
        output.ShouldNotContain("rror");
        listing.ShouldContain("Name (LAST, 0x0000000123456789)");
    }

    private static string Hex(Action<AmlWriter> write)
    {
        var aml = new AmlWriter();
        write(aml);
        return Convert.ToHexString(aml.ToArray());
    }
}
