// SPDX-License-Identifier: GPL-2.0-or-later

package image_test

import (
	"fmt"

	"github.com/uklemu/uklemu/internal/cache"
	"github.com/uklemu/uklemu/model/image"
)

func ExampleOpen() {
	img, err := image.Open(cache.Guest("ukl-syscalls-use_ret", "vmlinux"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer img.Close()
	fmt.Println(img.Version.AtLeast(6, 1), img.UKL.Flavor, img.UKL.UseRet)

	main, _ := img.Address("ukl_main")
	fmt.Println(img.Class(main), img.Symbols.Name(main))

	ip, _ := img.Offset("pt_regs", "ip")
	cs, _ := img.Offset("rt_sigframe", "uc.uc_mcontext.cs")
	fmt.Println(ip, cs)

	pf, _ := img.Entry(14)
	fmt.Println(pf.Name, pf.Kind, pf.IST)
	fmt.Println(len(img.RedZone()), "uses of the red zone")
	// Output:
	// true this project's series true
	// application ukl_main
	// 128 192
	// asm_exc_page_fault exception 0
	// 0 uses of the red zone
}
