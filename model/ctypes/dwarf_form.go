// SPDX-License-Identifier: GPL-2.0-or-later

package ctypes

// Tags, attributes, forms and encodings: DWARF 5, chapter 7.
const (
	tagArray       = 0x01
	tagClass       = 0x02
	tagEnumeration = 0x04
	tagMember      = 0x0d
	tagPointer     = 0x0f
	tagReference   = 0x10
	tagStructure   = 0x13
	tagSubroutine  = 0x15
	tagTypedef     = 0x16
	tagUnion       = 0x17
	tagSubrange    = 0x21
	tagBase        = 0x24
	tagConst       = 0x26
	tagEnumerator  = 0x28
	tagPacked      = 0x2d
	tagVolatile    = 0x35
	tagRestrict    = 0x37
	tagUnspecified = 0x3b
	tagAtomic      = 0x47

	attrSibling        = 0x01
	attrName           = 0x03
	attrByteSize       = 0x0b
	attrBitOffset      = 0x0c
	attrBitSize        = 0x0d
	attrConstValue     = 0x1c
	attrUpperBound     = 0x2f
	attrCount          = 0x37
	attrMemberLocation = 0x38
	attrDeclLine       = 0x3b
	attrDeclaration    = 0x3c
	attrEncoding       = 0x3e
	attrType           = 0x49
	attrDataBitOffset  = 0x6b
	attrStrOffsetsBase = 0x72

	formAddr          = 0x01
	formBlock2        = 0x03
	formBlock4        = 0x04
	formData2         = 0x05
	formData4         = 0x06
	formData8         = 0x07
	formString        = 0x08
	formBlock         = 0x09
	formBlock1        = 0x0a
	formData1         = 0x0b
	formFlag          = 0x0c
	formSdata         = 0x0d
	formStrp          = 0x0e
	formUdata         = 0x0f
	formRefAddr       = 0x10
	formRef1          = 0x11
	formRef2          = 0x12
	formRef4          = 0x13
	formRef8          = 0x14
	formRefUdata      = 0x15
	formIndirect      = 0x16
	formSecOffset     = 0x17
	formExprloc       = 0x18
	formFlagPresent   = 0x19
	formStrx          = 0x1a
	formAddrx         = 0x1b
	formRefSup4       = 0x1c
	formStrpSup       = 0x1d
	formData16        = 0x1e
	formLineStrp      = 0x1f
	formRefSig8       = 0x20
	formImplicitConst = 0x21
	formLoclistx      = 0x22
	formRnglistx      = 0x23
	formRefSup8       = 0x24
	formStrx1         = 0x25
	formStrx2         = 0x26
	formStrx3         = 0x27
	formStrx4         = 0x28
	formAddrx1        = 0x29
	formAddrx2        = 0x2a
	formAddrx3        = 0x2b
	formAddrx4        = 0x2c
	formGNUAddrIndex  = 0x1f01
	formGNUStrIndex   = 0x1f02
	formGNURefAlt     = 0x1f20
	formGNUStrpAlt    = 0x1f21

	encodingBoolean      = 0x02
	encodingFloat        = 0x04
	encodingSigned       = 0x05
	encodingSignedChar   = 0x06
	encodingUnsigned     = 0x07
	encodingUnsignedChar = 0x08
	encodingUTF          = 0x10

	opPlusUconst = 0x23
)

// How forms are stored, other than in a fixed number of bytes.
const (
	sizeULEB = -1 - iota
	sizeSLEB
	sizeText
	sizeBlock // a ULEB length, then as many bytes
	sizeBlock1
	sizeBlock2
	sizeBlock4
	sizeIndirect
	sizeUnknown
)

// formSize is the number of bytes of a form, or one of the above.
func (u *unitHeader) formSize(form uint16) int {
	switch form {
	case formFlagPresent, formImplicitConst:
		return 0
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return 1
	case formData2, formRef2, formStrx2, formAddrx2:
		return 2
	case formStrx3, formAddrx3:
		return 3
	case formData4, formRef4, formStrx4, formAddrx4, formRefSup4:
		return 4
	case formData8, formRef8, formRefSig8, formRefSup8:
		return 8
	case formData16:
		return 16
	case formAddr:
		return u.addressSize
	case formRefAddr:
		if u.version == 2 {
			return u.addressSize
		}
		return u.offsetSize
	case formStrp, formLineStrp, formSecOffset, formStrpSup, formGNURefAlt, formGNUStrpAlt:
		return u.offsetSize
	case formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		return sizeULEB
	case formSdata:
		return sizeSLEB
	case formString:
		return sizeText
	case formBlock, formExprloc:
		return sizeBlock
	case formBlock1:
		return sizeBlock1
	case formBlock2:
		return sizeBlock2
	case formBlock4:
		return sizeBlock4
	case formIndirect:
		return sizeIndirect
	}
	return sizeUnknown
}

// value is that of an attribute: a number, or the bytes of a string or block.
type value struct {
	form  uint16
	n     uint64
	bytes []byte
}

// read reads the value of an attribute.
func (u *unitHeader) read(c *cursor, a attribute) value {
	form, size := a.form, a.size
	if size == sizeIndirect { // once: it may not lead to itself (DWARF 5, 7.5.3)
		form = uint16(c.uleb())
		if size = u.formSize(form); form == formImplicitConst || size == sizeIndirect {
			size = sizeUnknown
		}
	}
	v := value{form: form}
	switch size {
	case 0:
		v.n = 1 // DW_FORM_flag_present
		if form == formImplicitConst {
			v.n = uint64(a.implicit)
		}
	case sizeULEB:
		v.n = c.uleb()
	case sizeSLEB:
		v.n = uint64(c.sleb())
	case sizeText:
		v.bytes = c.text()
	case sizeBlock:
		v.bytes = c.take(c.uleb())
	case sizeBlock1:
		v.bytes = c.take(c.u8())
	case sizeBlock2:
		v.bytes = c.take(c.number(2))
	case sizeBlock4:
		v.bytes = c.take(c.number(4))
	case sizeUnknown:
		c.fail()
	default:
		v.n = c.number(size)
	}
	return v
}
